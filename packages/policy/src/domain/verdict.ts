/** Answers. A "no" is an answer with a reason, numbers and a sentence. */
import type { Permit } from "./permit.ts";
import type { Build, Release } from "./release.ts";

/** The gates, in the order in which they are evaluated. */
export type GateName = "ALLOWLIST" | "DIAL" | "CAPACITY";

/** Why a gate passed or refused: the names of the contract's Reason. */
export type Reason =
  | "PASSED"
  | "UP_TO_DATE"
  | "PLATFORM_MISSING"
  | "FROM_VERSION"
  | "RECALLED"
  | "NOT_LISTED"
  | "DENIED_BY_NODE"
  | "DIAL_NOBODY"
  | "DIAL_NOT_NAMED"
  | "DIAL_OUTSIDE_SHARE"
  | "BRAKED"
  | "QUARANTINED"
  | "OUTSIDE_COHORT"
  | "CAPACITY_SHORT"
  | "DOMAIN_CAP"
  | "SHARD_MINIMUM"
  | "OVERRIDDEN"
  | "REPORT_STALE"
  | "WORKLOAD_LOCKED"
  /** Like CAPACITY_SHORT, but no moment of the last seven days would have done: waiting alone will not help. */
  | "INFEASIBLE"
  | "PERMIT_INVALID";

/** A number that a gate weighed; the unit is the name's last word. */
export interface Measure {
  readonly name: string;
  readonly value: number;
}

/** What one gate said. */
export interface GateResult {
  readonly gate: GateName;
  readonly passed: boolean;
  readonly reason: Reason;
  readonly message: string;
  readonly measures: readonly Measure[];
  /** A refusal that will be of no more use from here on, because something happens then; milliseconds since the epoch. */
  readonly untilMs?: number | undefined;
}

/** The build a node is to move to. */
export interface Target {
  readonly release: Release;
  readonly build: Build;
}

/** The answer to an ask. */
export type Verdict =
  | {
      readonly decision: "STAY";
      readonly gates: readonly GateResult[];
      readonly reason: Reason;
      readonly message: string;
      readonly retryAfterMs: number;
    }
  | {
      readonly decision: "PREPARE";
      readonly gates: readonly GateResult[];
      readonly message: string;
      readonly target: Target;
    }
  | {
      readonly decision: "GO";
      readonly gates: readonly GateResult[];
      readonly message: string;
      readonly target: Target;
      readonly permit: Permit;
    };
