/**
 * Where a ledger keeps what it knows of its nodes: columns of numbers beside each other, some hundred rows a block. A million
 * objects with names would be the memory's largest part, and each word a node says would leave one behind for the collector,
 * which then walks all of them. A block may be handed from thread to thread as it is. It decides nothing.
 */
import type { LastVerdict, NodeIdentity, NodeRunning } from "../domain/node.ts";
import { HOST_NUMBERS, type Situation } from "../domain/situation.ts";
import type { GateName, Reason } from "../domain/verdict.ts";

/** What nodes of one pool, model and place have alike. */
export type Origin = Pick<NodeIdentity, "poolId" | "model" | "labels" | "domains">;

/** What most nodes say alike of how they work. */
export type Manner = Pick<Situation, "shards" | "workState" | "interruptible" | "osRelease">;

/** A block of rows. What is shared is replaced, never changed. */
export interface Columns {
  /** NUMBERS a row. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** MARKS a row. */
  readonly marks: Uint8Array<ArrayBuffer>;
  /** Public keys, KEY_BYTES a row. */
  readonly keys: Uint8Array<ArrayBuffer>;
  readonly origins: Origin[];
  readonly runnings: (NodeRunning | undefined)[];
  readonly manners: Manner[];
  readonly bootIds: string[];
  readonly endpoints: string[];
}

/** Places of a row's numbers; those of its host follow, in the order of HOST_NUMBERS. REPORTED_AT is NaN where there is none yet. */
export const ENROLLED_AT = 0;
export const SEQUENCE = 1;
export const ORDERED_SEQUENCE = 2;
export const BOOT_HEARD_AT = 3;
export const CAPACITY = 4;
export const LOAD = 5;
export const IN_FLIGHT = 6;
export const ANSWERED_AT = 7;
export const REPORTED_AT = 8;
export const HOST = 9;
export const NUMBERS: number = HOST + HOST_NUMBERS.length;

/** Places of a row's marks. The last answer's are places in the lists below, one more; 0 where it has none. */
export const FLAGS = 0;
export const DECISION = 1;
export const GATE = 2;
export const REASON = 3;
export const MARKS = 4;

/** Flags. */
export const LOST = 1;
export const HAS_HOST = 2;

/** An Ed25519 key. */
export const KEY_BYTES = 32;

export const DECISIONS: readonly LastVerdict["decision"][] = ["STAY", "PREPARE", "GO"];
export const GATES: readonly GateName[] = ["ALLOWLIST", "DIAL", "CAPACITY"];

/** Where each reason stands among REASONS: a reason that is missing here does not compile. */
export const REASON_PLACES: Readonly<Record<Reason, number>> = {
  PASSED: 0,
  UP_TO_DATE: 1,
  PLATFORM_MISSING: 2,
  FROM_VERSION: 3,
  RECALLED: 4,
  NOT_LISTED: 5,
  DENIED_BY_NODE: 6,
  DIAL_NOBODY: 7,
  DIAL_NOT_NAMED: 8,
  DIAL_OUTSIDE_SHARE: 9,
  BRAKED: 10,
  QUARANTINED: 11,
  OUTSIDE_COHORT: 12,
  CAPACITY_SHORT: 13,
  DOMAIN_CAP: 14,
  SHARD_MINIMUM: 15,
  OVERRIDDEN: 16,
  REPORT_STALE: 17,
  WORKLOAD_LOCKED: 18,
  INFEASIBLE: 19,
  PERMIT_INVALID: 20,
};
export const REASONS: readonly Reason[] = Object.keys(REASON_PLACES) as Reason[];

const NOWHERE: Origin = { poolId: "", model: "", labels: {}, domains: [] };
const NO_SHARDS: readonly string[] = [];

/** How a node works that has not said. */
export const NO_MANNER: Manner = { shards: NO_SHARDS, workState: "STOPPED", interruptible: true, osRelease: "" };

/** An empty block. */
export function columnsFor(rows: number): Columns {
  const of = <T>(value: T): T[] => Array.from({ length: rows }, () => value);
  const numbers = new Float64Array(rows * NUMBERS);
  for (let row = 0; row < rows; row += 1) numbers[row * NUMBERS + REPORTED_AT] = Number.NaN;
  return {
    numbers,
    marks: new Uint8Array(rows * MARKS),
    keys: new Uint8Array(rows * KEY_BYTES),
    origins: of(NOWHERE),
    runnings: of<NodeRunning | undefined>(undefined),
    manners: of(NO_MANNER),
    bootIds: of(""),
    endpoints: of(""),
  };
}
