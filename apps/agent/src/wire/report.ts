/** Reports in the contract's words, and its answer in the agent's. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  FailureReason as WireReason,
  NodeState as WireState,
  OutcomeKind,
  PermitPhase,
  type ReportRequestSchema,
} from "@moult/contracts/v1";
import type { ReportInput } from "../ports.ts";
import type { NodeState } from "../update/events.ts";
import type { FailureReason, PendingOutcome, Timings } from "../update/state.ts";
import type { Origin } from "./ask.ts";
import { toSituation } from "./situation.ts";
import { traceParent } from "./trace.ts";

const KINDS: Readonly<Record<PendingOutcome["kind"], OutcomeKind>> = {
  COMMITTED: OutcomeKind.COMMITTED,
  REVERTED: OutcomeKind.REVERTED,
  FAILED: OutcomeKind.FAILED,
};

/** The contract's limit, in characters. */
const MESSAGE_LENGTH_MAX = 512;

/** The contract's uint32, in milliseconds: 49 days. */
const MS_MAX = 4_294_967_295;

/** The contract's ReportRequest. */
export function toReportRequest(input: ReportInput, origin: Origin): MessageInitShape<typeof ReportRequestSchema> {
  const { running } = input;
  const situation = toSituation(input.situation);
  const span = String(origin.sequence);
  switch (input.kind) {
    case "pulse":
      return { ...origin, report: { case: "pulse", value: { situation } } };
    case "returned": {
      const { permitId } = input;
      const value = { permitId, phase: PermitPhase.RETURNED, situation, runningDigest: running.digest };
      const trace = traceParent(origin.node, running.digest, span);
      return { ...origin, report: { case: "progress", value }, traceParent: trace };
    }
    case "outcome": {
      const { permitId, targetDigest, kind, reason, message, timings } = input.outcome;
      const value = {
        permitId,
        targetDigest,
        kind: KINDS[kind],
        reason: reason === undefined ? WireReason.UNSPECIFIED : REASONS[reason],
        message: message.slice(0, MESSAGE_LENGTH_MAX),
        situation,
        runningDigest: running.digest,
        runningVersion: running.version,
        runningReleaseCounter: BigInt(running.releaseCounter),
        timings: toTimings(timings),
      };
      const trace = traceParent(origin.node, targetDigest, span);
      return { ...origin, report: { case: "outcome", value }, traceParent: trace };
    }
  }
}

/** How the coordinator counts the node. */
export function fromNodeState(state: WireState): NodeState {
  return STATES[state] ?? "OTHER";
}

const STATES: Readonly<Record<number, NodeState>> = {
  [WireState.SERVING]: "SERVING",
  [WireState.LEAVING]: "LEAVING",
  [WireState.AWAY]: "AWAY",
  [WireState.RETURNED]: "RETURNED",
  [WireState.LOST]: "LOST",
};

const REASONS: Readonly<Record<FailureReason, WireReason>> = {
  AGENT_DID_NOT_START: WireReason.AGENT_DID_NOT_START,
  HEALTH_CHECK: WireReason.HEALTH_CHECK,
  WORKLOAD_NOT_RESTORED: WireReason.WORKLOAD_NOT_RESTORED,
  REJOIN_NOT_CONFIRMED: WireReason.REJOIN_NOT_CONFIRMED,
  TRIAL_TIMEOUT: WireReason.TRIAL_TIMEOUT,
  NOT_APPROVED: WireReason.NOT_APPROVED,
  UNSUITABLE: WireReason.UNSUITABLE,
  PULL: WireReason.PULL,
  DISK_FULL: WireReason.DISK_FULL,
  DRAIN_TIMEOUT: WireReason.DRAIN_TIMEOUT,
  PERMIT_EXPIRED: WireReason.PERMIT_EXPIRED,
  REFUSED: WireReason.REFUSED,
  DISK: WireReason.DISK,
  METADATA: WireReason.METADATA,
  BRAKED: WireReason.BRAKED,
  OUTSIDE_COHORT: WireReason.OUTSIDE_COHORT,
};

function toTimings({ pullMs, drainMs, swapMs, trialMs }: Timings): Timings {
  return { pullMs: whole(pullMs), drainMs: whole(drainMs), swapMs: whole(swapMs), trialMs: whole(trialMs) };
}

function whole(ms: number): number {
  return Math.min(Math.max(Math.round(ms), 0), MS_MAX);
}
