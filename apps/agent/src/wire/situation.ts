/** The agent's situation in the contract's words. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type SituationSchema, WorkState } from "@moult/contracts/v1";
import type { HostFacts, Situation } from "../situation.ts";

const WORK_STATES: Readonly<Record<Situation["workState"], WorkState>> = {
  NONE: WorkState.NONE,
  STARTING: WorkState.STARTING,
  SERVING: WorkState.SERVING,
  DRAINING: WorkState.DRAINING,
  STOPPED: WorkState.STOPPED,
  FAILED: WorkState.FAILED,
};

/** The contract's Situation. */
export function toSituation(situation: Situation): MessageInitShape<typeof SituationSchema> {
  const { workState, host, shards, ...same } = situation;
  return { ...same, shards: [...shards], workState: WORK_STATES[workState], host: toHostFacts(host) };
}

function toHostFacts({
  memoryTotalBytes,
  memoryAvailableBytes,
  diskFreeBytes,
  uptimeMs,
  ...same
}: HostFacts): NonNullable<MessageInitShape<typeof SituationSchema>["host"]> {
  return {
    ...same,
    ...(memoryTotalBytes !== undefined && { memoryTotalBytes: wholeBytes(memoryTotalBytes) }),
    ...(memoryAvailableBytes !== undefined && { memoryAvailableBytes: wholeBytes(memoryAvailableBytes) }),
    ...(diskFreeBytes !== undefined && { diskFreeBytes: wholeBytes(diskFreeBytes) }),
    ...(uptimeMs !== undefined && { uptimeMs: wholeBytes(uptimeMs) }),
  };
}

function wholeBytes(value: number): bigint {
  return BigInt(Math.max(0, Math.round(value)));
}
