/**
 * "If I turned the dial to everyone now, what would happen?" Takes the fleet as a coordinator knows it, lets it live on in
 * simulated time under the real policy code, and says how long it would take and what would be away at once. What is not known
 * is assumed and said: sessions are synthetic, the day has the reference world's shape, scaled to the demand of this moment.
 */
import { Engine } from "../engine/engine.ts";
import { moult } from "../policies/moult.ts";
import { STREAM, uniform } from "../random.ts";
import { buildDemand } from "../world/demand.ts";
import type { Fleet } from "../world/fleet.ts";
import { DAY_MINUTES, MINUTE_MS, type WorldOptions, worldOptions } from "../world/options.ts";
import { buildSessions } from "../world/sessions.ts";
import type { World } from "../world/world.ts";

/** A node that serves now. */
export interface FleetNode {
  /** Work it can do, in units a second; more than 0. */
  readonly capacityRps: number;
  /** It runs the release already. */
  readonly upToDate: boolean;
}

/** A pool as it is now. */
export interface FleetPool {
  readonly poolId: string;
  /** What is asked of it now, in units a second. */
  readonly demandRps: number;
  readonly nodes: readonly FleetNode[];
}

/** What is asked, and what is assumed. */
export interface WhatIf {
  readonly pools: readonly FleetPool[];
  /** Hour of the day now, 0–24, by which the demand's shape is placed. */
  readonly hour: number;
  /** Days that are looked ahead (default 3). */
  readonly days?: number;
  /** Whether builds are pulled before the absence, as PREPARE does (default true). */
  readonly prepare?: boolean;
  /** Share of nodes that are often off, as home boxes are (default 0.5). */
  readonly homeShare?: number;
  /** Futures that are looked at (default 1 to 5); figures are their mean, or worst where that is said. */
  readonly seeds?: readonly number[];
}

/** What would happen to a pool. Times in hours from now; null where some future does not get there. */
export interface PoolForecast {
  readonly poolId: string;
  readonly nodes: number;
  readonly t50H: number | null;
  readonly t90H: number | null;
  readonly t99H: number | null;
}

/** What would happen. */
export interface FleetForecast {
  readonly nodes: number;
  readonly t50H: number | null;
  readonly t90H: number | null;
  readonly t99H: number | null;
  /** Most nodes away at once, in the worst future. */
  readonly awayMax: number;
  /** Pool-minutes a future in which leaves would cost work. */
  readonly violations: number;
  readonly pools: readonly PoolForecast[];
}

/** A fleet that cannot be simulated; the message says why. */
export class FleetError extends Error {
  override readonly name = "FleetError";
}

/** Days of history that the forecast is given before it starts. */
const HISTORY_DAYS = 1;

/** Looks at some futures of a fleet. Throws FleetError. */
export function simulateFleet(question: WhatIf): FleetForecast {
  check(question);
  const futures = (question.seeds ?? [1, 2, 3, 4, 5]).map((seed) => {
    const engine = new Engine(worldOfFleet(question, seed), moult);
    engine.run(engine.world.minutes, true);
    return engine;
  });
  const moving = (engine: Engine, from: number, to: number): Float64Array => {
    const done = engine.doneMs.subarray(from, to).filter((ms) => ms > 0);
    return done.map((ms) => (ms - engine.startMs) / 3_600_000).sort();
  };
  const times = (from: number, to: number): Pick<FleetForecast, "t50H" | "t90H" | "t99H"> => {
    const sorted = futures.map((engine) => moving(engine, from, to));
    return { t50H: meanQuantile(sorted, 0.5), t90H: meanQuantile(sorted, 0.9), t99H: meanQuantile(sorted, 0.99) };
  };
  let first = 0;
  const pools = question.pools.map(({ poolId, nodes }) => {
    const from = first;
    first += nodes.length;
    return { poolId, nodes: nodes.length, ...times(from, first) };
  });
  return {
    nodes: first,
    ...times(0, first),
    awayMax: Math.max(...futures.map((engine) => engine.referee.awayByMinute.reduce((a, b) => Math.max(a, b), 0))),
    violations: futures.reduce((sum, engine) => sum + engine.referee.violations, 0) / futures.length,
    pools,
  };
}

function check({ pools, hour }: WhatIf): void {
  if (pools.every((pool) => pool.nodes.length === 0))
    throw new FleetError("no node serves: there is nothing to simulate");
  if (!(hour >= 0 && hour <= 24)) throw new FleetError("the hour must be from 0 to 24");
  for (const { poolId, demandRps, nodes } of pools) {
    if (!(demandRps >= 0 && Number.isFinite(demandRps)))
      throw new FleetError(`pool ${poolId}: the demand must be 0 or more`);
    if (nodes.every(({ capacityRps }) => capacityRps > 0 && Number.isFinite(capacityRps))) continue;
    throw new FleetError(`pool ${poolId}: every node must be able to do some work`);
  }
}

/** A world of which this fleet is the present. */
function worldOfFleet({ pools, hour, days = 3, prepare = true, homeShare = 0.5 }: WhatIf, seed: number): World {
  const nodes = pools.flatMap((pool) => pool.nodes);
  const options: WorldOptions = worldOptions({
    nodes: nodes.length,
    pools: pools.length,
    seed,
    startHour: Math.floor(hour) % 24,
    days,
    historyDays: HISTORY_DAYS,
    prepare,
  });
  const sizes = pools.map((pool) => pool.nodes.length);
  const fleet: Fleet = {
    nodes: nodes.length,
    pools: pools.length,
    offset: 0,
    poolOffset: 0,
    firstOf: Int32Array.from([0, ...sizes.map((_, pool) => sizes.slice(0, pool + 1).reduce((a, b) => a + b, 0))]),
    poolOf: Int32Array.from(pools.flatMap((pool, index) => pool.nodes.map(() => index))),
    capacity: Float64Array.from(nodes, (node) => node.capacityRps),
    stable: Uint8Array.from(nodes, (_, node) => (uniform(seed, STREAM.stable, node) < homeShare ? 0 : 1)),
    isp: Uint8Array.from(nodes, (_, node) => Math.floor(uniform(seed, STREAM.isp, node) * 30)),
  };
  const startMinute = HISTORY_DAYS * DAY_MINUTES;
  const minutes = startMinute + Math.round(days * DAY_MINUTES);
  const demand = buildDemand(options, fleet, minutes).map((series, pool) => {
    const scale = (pools[pool]?.demandRps ?? 0) / Math.max(series[startMinute] as number, Number.MIN_VALUE);
    return series.map((value) => value * scale);
  });
  const sessions = buildSessions(options, fleet, minutes * MINUTE_MS);
  const alreadyDone = Uint8Array.from(nodes, (node) => (node.upToDate ? 1 : 0));
  return { options, fleet, sessions, demand, startMinute, minutes, alreadyDone };
}

function meanQuantile(futures: readonly Float64Array[], share: number): number | null {
  const hours = futures.map((done) => (done.length === 0 ? 0 : (done[Math.ceil(share * done.length) - 1] as number)));
  const mean = hours.reduce((sum, value) => sum + value, 0) / hours.length;
  return Number.isFinite(mean) ? Math.max(0, mean) : null;
}
