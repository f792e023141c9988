/** A row of the scoreboard: what one policy did in each of the worlds, and the mean of that. */
import type { Causes } from "../engine/referee.ts";
import type { Part } from "./part.ts";

/** A policy's row. Times are hours since the start, null where some world did not get so far. */
export interface Row {
  readonly policy: string;
  readonly t50H: number | null;
  readonly t90H: number | null;
  readonly t99H: number | null;
  /** Whether 99 % of the nodes were done in every world. */
  readonly finished: boolean;
  /** Pool-minutes below demand that would have met it without leaves. */
  readonly violations: number;
  readonly violationsBy: Causes;
  /** Work not done because of leaves: units a second × minutes. */
  readonly lostWork: number;
  /** The deepest violation of all worlds, in percent of the demand. */
  readonly worstShortfallPct: number;
  readonly awayMax: number;
  readonly asks: number;
  readonly refusals: number;
}

/** Makes a row of a policy's worlds; each figure is the mean over them, but the worst shortfall. */
export function rowOf(policy: string, worlds: readonly Part[]): Row {
  const t99H = meanTime(worlds, 0.99);
  return {
    policy,
    t50H: meanTime(worlds, 0.5),
    t90H: meanTime(worlds, 0.9),
    t99H,
    finished: t99H !== null,
    violations: mean(worlds.map((world) => violationsOf(world))),
    violationsBy: meanCauses(worlds),
    lostWork: mean(worlds.map((world) => world.lostWork)),
    worstShortfallPct: round(Math.max(...worlds.map((world) => world.worstShortfall)) * 100),
    awayMax: mean(worlds.map((world) => world.awayByMinute.reduce((most, away) => Math.max(most, away), 0))),
    asks: mean(worlds.map((world) => world.asks)),
    refusals: mean(worlds.map((world) => world.refusals)),
  };
}

/** All violations of a world. */
export function violationsOf({ violationsBy }: Part): number {
  return Object.values(violationsBy).reduce((sum, count) => sum + count, 0);
}

/** When a share of the nodes was done, in hours; Infinity where it never was. */
export function timeOf({ doneH }: Part, share: number): number {
  return doneH.toSorted()[Math.ceil(share * doneH.length) - 1] ?? Number.POSITIVE_INFINITY;
}

function meanTime(worlds: readonly Part[], share: number): number | null {
  const hours = mean(worlds.map((world) => timeOf(world, share)));
  return Number.isFinite(hours) ? hours : null;
}

function meanCauses(worlds: readonly Part[]): Causes {
  const of = (cause: keyof Causes): number => mean(worlds.map((world) => world.violationsBy[cause]));
  return {
    demand: of("demand"),
    churn: of("churn"),
    outage: of("outage"),
    overstay: of("overstay"),
    policy: of("policy"),
  };
}

function mean(values: readonly number[]): number {
  return round(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** Four digits after the point are more than a simulated hour deserves. */
function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
