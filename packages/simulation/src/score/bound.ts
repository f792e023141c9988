/**
 * The lower bound T*: no policy, however it knows the future, can have moved a share q of the fleet before it. The work of
 * absences (capacity × time away) of the cheapest nodes must fit into what each pool can spare until then.
 */
import { MINUTE_MS } from "../world/options.ts";
import { upFrom } from "../world/timeline.ts";
import { type World, drainMs, upWithoutLeaves, updateMs } from "../world/world.ts";

/** One node's cheapest move. */
interface Move {
  readonly work: number;
  readonly soonestMinute: number;
}

/** The bound in hours for a share of the nodes; Infinity where it does not fit into the world. */
export function lowerBoundH(world: World, share: number): number {
  const { fleet, startMinute, minutes } = world;
  const wanted = Math.ceil(share * fleet.nodes);
  const spare = spareWork(world);
  const moves = movesByPool(world);
  const reached = (minute: number): boolean => {
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
    return count >= wanted;
  };
  let low = startMinute;
  let high = minutes - 1;
  if (!reached(high)) return Number.POSITIVE_INFINITY;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return (low - startMinute) / 60;
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
