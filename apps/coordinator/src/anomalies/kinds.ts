/** What is watched for, what is seen, and what is told of it. Words only. */

/** What can look wrong: the names of the contract's EventKind. */
export type EventKind =
  | "DENIED_DIGEST"
  | "UNKNOWN_DIGEST"
  | "SEQUENCE_FORK"
  | "ASK_STORM"
  | "CLONE"
  | "DIAL_TURNED_TWICE"
  | "ENROLMENT_BURST"
  | "AUTHENTICATION_FAILURES"
  | "METADATA_RUNS_OUT";

/** An ask, with what was known of the node just before it. */
export interface AskSight {
  readonly kind: "ask";
  readonly nodeId: string;
  readonly poolId: string;
  readonly askId: string;
  readonly bootId: string;
  readonly sequence: number;
  /** Digest of the build that runs. */
  readonly digest: string;
  /** Digests that the node said before this ask it will not run, and those it says with it. */
  readonly deniedBefore: readonly string[];
  readonly deniedNow: readonly string[];
  /** The boot and the sequence of the node's last ask, step or outcome that counted. */
  readonly lastBootId: string;
  readonly lastSequence: number;
  /** When it was last answered, milliseconds; undefined before its first ask. */
  readonly answeredAtMs: number | undefined;
}

/** Something that happened. */
export type Sight =
  | AskSight
  | { readonly kind: "clone"; readonly nodeId: string; readonly poolId: string; readonly message: string }
  /** Operators told nodes to look now. */
  | { readonly kind: "nudge" }
  | { readonly kind: "dial"; readonly version: string }
  /** A device enrolled with the token of that id. */
  | { readonly kind: "enrolment"; readonly tokenId: string }
  /** A published file of that role runs out soon, or has. */
  | { readonly kind: "stale"; readonly role: string; readonly message: string }
  /** Credentials were missing or wrong; `address` as the socket names it, without port. */
  | { readonly kind: "failure"; readonly address: string };

/** Something that looks wrong. */
export interface Finding {
  readonly kind: EventKind;
  /** What it is about; findings of one kind about one thing are told together. */
  readonly subject: string;
  /** Empty where it is about no node. */
  readonly nodeId: string;
  /** Empty where it is about no single pool. */
  readonly poolId: string;
  readonly message: string;
}

/** What is told: one finding, or several of one kind about one thing. */
export interface FleetEvent extends Finding {
  /** 1, 2, 3 and so on; a later one is higher. */
  readonly eventId: number;
  /** How many findings since it was last told; 1 or more. */
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

/** So many of the newest events are kept: some 4 MB. All of them stand in the audit log. */
export const EVENTS_KEPT = 10_000;
