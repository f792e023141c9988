/**
 * The fleet as the coordinator tells it, in plain data. The demo shows it and holds it against what it sees from outside.
 * Counts survive a coordinator that was killed and counts from its store again.
 */
import type { Refusals } from "../view/scene.ts";

/** A node as the coordinator tells it. */
export interface ToldNode {
  /** The node's id. */
  readonly node: string;
  /** Its box, from the label that the device carries. */
  readonly box: string;
  readonly state: string;
  readonly version: string;
  readonly loadRps: number;
  readonly capacityRps: number;
  /** Why it was last told to stay, as in `CAPACITY_SHORT`; empty where it was not. */
  readonly stayReason: string;
  /** How its last move ended, as in `COMMITTED`; empty before the first. */
  readonly outcome: string;
  readonly outcomeDigest: string;
  readonly outcomeMessage: string;
}

/** The fleet as the coordinator tells it. */
export interface Told {
  readonly nodes: readonly ToldNode[];
  readonly refusals: Refusals;
  /** Load of the pool as gate 3 counts it, and what it wants to stay; in requests a second. */
  readonly demandRps: number;
  readonly needRps: number;
}

/** Before anything was told. */
export const NOTHING_TOLD: Told = {
  nodes: [],
  refusals: { allowlist: 0, dial: 0, capacity: 0 },
  demandRps: 0,
  needRps: 0,
};

/** A count of somebody else's that may begin again at less; here it only grows. */
export class GrowingCount {
  #total = 0;
  #last = 0;

  /** Takes in what is told now; returns the count over all restarts. What a restart forgot is not counted again. */
  take(told: number): number {
    this.#total += Math.max(0, told - this.#last);
    this.#last = told;
    return this.#total;
  }
}
