/** What a world is made of: the parameters of the reference world, and what may be varied. It builds nothing. */
import type { Trace } from "./trace.ts";
import type { AvailabilityRow } from "./trace.ts";

/** Peak demand as a share of the mean up capacity: tight 0.88–0.98, mixed 0.6–0.96, loose 0.5–0.7. */
export type Tightness = "tight" | "mixed" | "loose";

/** A world. Two worlds with equal options are equal byte for byte. */
export interface WorldOptions {
  readonly nodes: number;
  /** Number of pools. */
  readonly pools: number;
  readonly seed: number;
  readonly tightness: Tightness;
  /** Hour of the day, 0–23, at which the rollout starts. */
  readonly startHour: number;
  /** Days that are simulated from the start on. */
  readonly days: number;
  /** Days before the start in which nothing moves, and forecasts learn. */
  readonly historyDays: number;
  /** Mean time between two outages of an ISP, anywhere, in hours; 0 for none. */
  readonly outageEveryHours: number;
  /** On: pulled before the absence. Off: the pull is part of it. */
  readonly prepare: boolean;
  /** Demand to replay in the place of the synthetic day, from a minute on. */
  readonly demand?: { readonly trace: Trace; readonly startMinute: number };
  /** Up times to replay in the place of synthetic sessions; a node without a row is always up. */
  readonly availability?: readonly AvailabilityRow[];
  /** How often a node says how it is, in milliseconds. */
  readonly pulseEveryMs: number;
  /** How often a node that is up to date asks, in milliseconds; 0 for never. */
  readonly idleAskEveryMs: number;
  /** What goes wrong between nodes and coordinator. */
  readonly faults: Faults;
}

/** Trouble. All shares are of 1; zero everywhere in the reference world. */
export interface Faults {
  readonly messagesLost: number;
  readonly messagesDoubled: number;
  /** Mean time between two restarts of the coordinator, in hours; 0 for none. */
  readonly restartEveryHours: number;
  /** Share of nodes that claim twice the capacity they have and half the load. */
  readonly liars: number;
  /** Share of updates that fail their trial and revert. */
  readonly reverts: number;
}

/** Nothing goes wrong. */
export const NO_FAULTS: Faults = { messagesLost: 0, messagesDoubled: 0, restartEveryHours: 0, liars: 0, reverts: 0 };

/** What `--faults on` means. */
export const FAULTS: Faults = {
  messagesLost: 0.02,
  messagesDoubled: 0.02,
  restartEveryHours: 6,
  liars: 0.005,
  reverts: 0.005,
};

/** Milliseconds in a minute. */
export const MINUTE_MS = 60_000;
/** Minutes in a day. */
export const DAY_MINUTES = 1440;

/** The reference world for a number of nodes: √N / 2.5 pools. */
export function poolsFor(nodes: number): number {
  return Math.max(1, Math.round(Math.sqrt(nodes) / 2.5));
}

/** The reference world; what is given replaces its part. */
export function worldOptions(given: Partial<WorldOptions> = {}): WorldOptions {
  const nodes = given.nodes ?? 1000;
  return {
    nodes,
    pools: poolsFor(nodes),
    seed: 1,
    tightness: "tight",
    startHour: 15,
    days: 6,
    historyDays: 1,
    outageEveryHours: 48,
    prepare: false,
    pulseEveryMs: MINUTE_MS,
    idleAskEveryMs: 0,
    faults: NO_FAULTS,
    ...given,
  };
}
