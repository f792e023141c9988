/**
 * One policy in one world, or in some pools of it, and what came of it. Parts of a world add up: a policy that decides pool by
 * pool may be run in parts at the same time.
 */
import type { Policy } from "../engine/controller.ts";
import { Engine } from "../engine/engine.ts";
import type { Causes } from "../engine/referee.ts";
import type { PoolRange } from "../world/fleet.ts";
import type { WorldOptions } from "../world/options.ts";
import { buildWorld } from "../world/world.ts";

/** What came of a part. */
export interface Part {
  /** When each node was done, in hours since the start; Infinity where it was not. */
  readonly doneH: Float64Array;
  readonly violationsBy: Causes;
  readonly lostWork: number;
  readonly worstShortfall: number;
  readonly awayByMinute: Int32Array;
  readonly asks: number;
  readonly refusals: number;
}

/** How a part is run. */
export interface PartOptions {
  readonly world: WorldOptions;
  readonly range?: PoolRange | undefined;
  /** Hears of each simulated hour: the share of the part's time that has passed. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

/** Runs a part. Where nodes that are done go on asking, it runs to the end; else until everybody is done. */
export function runPart(policy: Policy, { world: options, range, onProgress }: PartOptions): Part {
  const world = buildWorld(options, range);
  const engine = new Engine(world, policy);
  const untilDone = options.idleAskEveryMs === 0;
  for (let minute = 60; ; minute += 60) {
    engine.run(Math.min(minute, world.minutes), untilDone);
    onProgress?.(Math.min(1, minute / world.minutes));
    if (minute >= world.minutes || (untilDone && engine.doneCount === world.fleet.nodes)) break;
  }
  const { referee } = engine;
  return {
    doneH: engine.doneMs.map((ms) => (ms - engine.startMs) / 3_600_000),
    violationsBy: referee.violationsBy,
    lostWork: referee.lostWork,
    worstShortfall: referee.worstShortfall,
    awayByMinute: referee.awayByMinute,
    asks: engine.asks,
    refusals: engine.refusals,
  };
}

/** Adds parts of one world up. There must be one. */
export function joinParts(parts: readonly Part[]): Part {
  const [first, ...others] = parts as readonly [Part, ...Part[]];
  return {
    doneH: joined(parts.map((part) => part.doneH)),
    violationsBy: parts.map((part) => part.violationsBy).reduce(addCauses),
    lostWork: parts.reduce((sum, part) => sum + part.lostWork, 0),
    worstShortfall: parts.reduce((worst, part) => Math.max(worst, part.worstShortfall), 0),
    awayByMinute: first.awayByMinute.map((away, minute) =>
      others.reduce((sum, part) => sum + (part.awayByMinute[minute] as number), away),
    ),
    asks: parts.reduce((sum, part) => sum + part.asks, 0),
    refusals: parts.reduce((sum, part) => sum + part.refusals, 0),
  };
}

function joined(rows: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}

function addCauses(a: Causes, b: Causes): Causes {
  return {
    demand: a.demand + b.demand,
    churn: a.churn + b.churn,
    outage: a.outage + b.outage,
    overstay: a.overstay + b.overstay,
    policy: a.policy + b.policy,
  };
}
