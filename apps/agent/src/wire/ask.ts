/** An ask in the contract's words. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AskRequestSchema, Slot } from "@moult/contracts/v1";
import type { SlotName } from "@moult/slots";
import type { AskInput } from "../ports.ts";
import { toSituation } from "./situation.ts";
import { traceParent } from "./trace.ts";

/** What every message of a node carries. */
export interface Origin {
  /** `nodes/{id}`. */
  readonly node: string;
  readonly bootId: string;
  readonly sequence: bigint;
}

const SLOTS: Readonly<Record<SlotName, Slot>> = { factory: Slot.FACTORY, a: Slot.A, b: Slot.B };

/** The contract carries so many denied digests, the newest. */
const DENIED_MAX = 16;

/** The contract's AskRequest. */
export function toAskRequest(input: AskInput, origin: Origin): MessageInitShape<typeof AskRequestSchema> {
  const { askId, running, situation, stagedDigest, permitId, drained } = input;
  return {
    ...origin,
    askId,
    platform: { os: process.platform, arch: process.arch },
    runningDigest: running.digest,
    runningVersion: running.version,
    runningReleaseCounter: BigInt(running.releaseCounter),
    slot: SLOTS[running.slot],
    situation: toSituation(situation),
    stagedDigest,
    permitId,
    drained,
    timestampVersion: BigInt(input.timestampVersion),
    deniedDigests: input.deniedDigests.slice(0, DENIED_MAX),
    traceParent: traceParent(origin.node, stagedDigest, askId),
  };
}
