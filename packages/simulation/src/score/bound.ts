/**
 * The lower bound T*: no policy, however it knows the future, can have moved a share q of the fleet before it. The work of
 * absences (capacity × time away) of the cheapest nodes must fit into what each pool can spare until then.
 */
import type { PoolRange } from "../world/fleet.ts";
import { MINUTE_MS, type WorldOptions } from "../world/options.ts";
import { upFrom } from "../world/timeline.ts";
import { type World, buildWorld, drainMs, upWithoutLeaves, updateMs } from "../world/world.ts";

/** One node's cheapest move. */
interface Move {
  readonly work: number;
  readonly soonestMinute: number;
}

/** Large worlds are looked at in steps of this many minutes. */
export const BOUND_STEP_MIN = 5;

/** The bound in hours for a share of the nodes; Infinity where it does not fit into the world. */
export function lowerBoundH(world: World, share: number): number {
  const { fleet, startMinute, minutes } = world;
  const wanted = Math.ceil(share * fleet.nodes);
  const moved = mover(world);
  let low = startMinute;
  let high = minutes - 1;
  if (moved(high) < wanted) return Number.POSITIVE_INFINITY;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moved(middle) >= wanted) high = middle;
    else low = middle + 1;
  }
  return (low - startMinute) / 60;
}

/** How many nodes of some pools can have moved at most, step by step from the start on. */
export function movedBy(options: WorldOptions, range: PoolRange): Int32Array {
  const world = buildWorld(options, range);
  const moved = mover(world);
  const steps = Math.floor((world.minutes - 1 - world.startMinute) / BOUND_STEP_MIN) + 1;
  return Int32Array.from({ length: steps }, (_, step) => moved(world.startMinute + step * BOUND_STEP_MIN));
}

/** How many nodes can have moved at most by a minute. */
function mover(world: World): (minute: number) => number {
  const { fleet, startMinute } = world;
  const spare = spareWork(world);
  const moves = movesByPool(world);
  return (minute) => {
    let count = 0;
    for (let pool = 0; pool < fleet.pools; pool += 1) {
      let room = (spare[pool] as Float64Array)[minute - startMinute] as number;
      for (const move of moves[pool] ?? []) {
        if (move.soonestMinute > minute) continue;
        room -= move.work;
        if (room < 0) break;
        count += 1;
      }
    }
    return count;
  };
}

/** ∫ (up − demand)⁺ of each pool from the start to each minute, in units × minutes. */
function spareWork(world: World): readonly Float64Array[] {
  return upWithoutLeaves(world).map((up, pool) => {
    const demand = world.demand[pool] as Float64Array;
    let sum = 0;
    return up
      .subarray(world.startMinute)
      .map((units, index) => (sum += Math.max(0, units - (demand[world.startMinute + index] as number))));
  });
}

/** Moves of each pool, those with the least work first. */
function movesByPool(world: World): readonly (readonly Move[])[] {
  const { fleet, startMinute } = world;
  const byPool: Move[][] = Array.from({ length: fleet.pools }, () => []);
  for (let node = 0; node < fleet.nodes; node += 1) {
    const absenceMs = drainMs(world, node, 0) + updateMs(world, node, 0);
    const beginMs = upFrom(world, node, startMinute * MINUTE_MS);
    const soonestMs = upFrom(world, node, beginMs + absenceMs);
    byPool[fleet.poolOf[node] as number]?.push({
      work: (fleet.capacity[node] as number) * (absenceMs / MINUTE_MS),
      soonestMinute: Math.ceil(soonestMs / MINUTE_MS),
    });
  }
  for (const moves of byPool) moves.sort((a, b) => a.work - b.work);
  return byPool;
}
