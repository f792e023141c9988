/** A permit: durable leave for one node to move from one build to another. */
import type { Digest } from "./release.ts";

/** DRAINING: granted and charged. AWAY: drained and checked again. RETURNED: serves again, trial not decided. */
export type PermitPhase = "DRAINING" | "AWAY" | "RETURNED";

/** Times are milliseconds since the epoch, by the coordinator's clock. */
export interface Permit {
  readonly permitId: string;
  readonly nodeId: string;
  readonly poolId: string;
  readonly fromDigest: Digest;
  readonly toDigest: Digest;
  readonly version: string;
  readonly phase: PermitPhase;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  /** The override that stood in for gate 3, if one did. */
  readonly overrideId?: string;
  /**
   * Capacity that the pool's books were charged with when it was granted, in milli-units; whoever loads the permit charges the
   * same. Absent in permits of versions that did not keep it.
   */
  readonly chargedMilli?: number;
}

/** How a permit ended. EXPIRED is recorded as a lost node; it gives no capacity back. */
export type PermitEnd = "COMMITTED" | "REVERTED" | "FAILED" | "REFUSED" | "ABANDONED" | "EXPIRED";
