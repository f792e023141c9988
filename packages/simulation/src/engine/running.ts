/** A world in the middle of its history, as policies and the referee see it. */
import type { World } from "../world/world.ts";

/** What a node is at. */
export const STAGE = { old: 0, draining: 1, away: 2, done: 3 } as const;

/** The state of a run. Read only to all but the engine. Arrays are by node or by pool. */
export interface Running {
  readonly world: World;
  readonly startMs: number;
  readonly nowMs: number;
  readonly stage: Uint8Array;
  readonly up: Uint8Array;
  /** When the node left, or NaN. */
  readonly leftMs: Float64Array;
  /** Moves begun, for the draws of their durations. */
  readonly attempt: Uint16Array;
  /** Capacity that serves now, by pool. */
  readonly serving: Float64Array;
  /** Capacity that is up or would be, were nobody on leave, by pool. */
  readonly upAll: Float64Array;
  /** Demand on a pool in this minute. */
  demandNow(pool: number): number;
  /** What a node works at now. */
  loadOf(node: number): number;
}
