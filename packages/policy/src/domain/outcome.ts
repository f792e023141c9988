/** How a move ended, as the node claims. */
import type { Digest } from "./release.ts";

/** COMMITTED: kept. REVERTED: abandoned after its start. FAILED: ended before the swap. */
export type OutcomeKind = "COMMITTED" | "REVERTED" | "FAILED";

/** Why a move did not end in a commit; the names of the contract's FailureReason. */
export type FailureReason =
  | "NONE"
  | "AGENT_DID_NOT_START"
  | "HEALTH_CHECK"
  | "WORKLOAD_NOT_RESTORED"
  | "REJOIN_NOT_CONFIRMED"
  | "TRIAL_TIMEOUT"
  | "NOT_APPROVED"
  | "UNSUITABLE"
  | "PULL"
  | "DISK_FULL"
  | "DRAIN_TIMEOUT"
  | "PERMIT_EXPIRED"
  | "REFUSED"
  | "DISK"
  | "METADATA"
  | "BRAKED"
  | "OUTSIDE_COHORT";

/** A finished move. */
export interface OutcomeRecord {
  readonly kind: OutcomeKind;
  readonly reason: FailureReason;
  readonly targetDigest: Digest;
  readonly message: string;
  readonly atMs: number;
}
