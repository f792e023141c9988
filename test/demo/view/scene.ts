/** What there is to see at one moment. Plain data: the views draw it and add nothing. */

/** One box. */
export interface BoxScene {
  readonly box: string;
  /** The version that answers there, as seen from outside; empty before the first answer. */
  readonly version: string;
  /** How the router treats the node, in small letters, or what the workload says where that tells more. */
  readonly state: string;
  /** Load as a share of the capacity, 0 to 1. */
  readonly loadRatio: number;
  readonly loadRps: number;
}

/** The whole fleet. */
export interface Scene {
  readonly boxes: readonly BoxScene[];
  /** What all boxes can carry together, in requests a second. */
  readonly capacityAllRps: number;
  /** What the boxes that take work now can carry. */
  readonly capacityServingRps: number;
  /** What is asked for. */
  readonly offeredRps: number;
  readonly refusals: Refusals;
  readonly brake: boolean;
  readonly requestsTotal: number;
  readonly requestsFailed: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  /** Since the demo began, in milliseconds. */
  readonly elapsedMs: number;
}

/** Asks that were refused, by the gate that refused. */
export interface Refusals {
  readonly allowlist: number;
  readonly dial: number;
  readonly capacity: number;
}

/** What happens now, in words. */
export interface Story {
  /** Number of the step, from 1, and of how many. */
  readonly step: number;
  readonly steps: number;
  readonly title: string;
  /** What has happened in this step, oldest first. */
  readonly notes: readonly string[];
}
