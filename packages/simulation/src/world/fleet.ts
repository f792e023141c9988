/** Who is in the world: pools, nodes, what each can carry and who connects it. Nothing here changes with time. */
import { STREAM, uniform } from "../random.ts";
import type { WorldOptions } from "./options.ts";

/** The fleet, or the part of it that is simulated. Nodes of a pool are neighbours: firstOf[p] to firstOf[p + 1] - 1. */
export interface Fleet {
  readonly nodes: number;
  readonly pools: number;
  /** Number of the first node and of the first pool within the whole world; all draws go by those. */
  readonly offset: number;
  readonly poolOffset: number;
  readonly firstOf: Int32Array;
  readonly poolOf: Int32Array;
  /** Units of work a second: 1, 2, 4 or 8. */
  readonly capacity: Float64Array;
  /** 1 where the node is rarely off. */
  readonly stable: Uint8Array;
  readonly isp: Uint8Array;
}

/** A row of pools, from the first to the one before the last. */
export interface PoolRange {
  readonly from: number;
  readonly to: number;
}

/** Sizes of pools fall with their rank to this power. */
const POOL_SKEW = 0.7;
/** ISPs of the world. */
export const ISPS = 30;
/** Sizes of ISPs fall with their rank to this power: the largest connects 16 % of the nodes, the smallest 1 %. */
const ISP_SKEW = 0.8;
/** Cumulated shares of the capacities 1, 2, 4 and 8. */
const CAPACITIES = [
  { units: 1, below: 0.4 },
  { units: 2, below: 0.75 },
  { units: 4, below: 0.95 },
  { units: 8, below: 1 },
] as const;

/** Builds the fleet of a world, or some pools of it. */
export function buildFleet({ nodes, pools, seed }: WorldOptions, range: PoolRange = { from: 0, to: pools }): Fleet {
  const bounds = poolBounds(nodes, pools).subarray(range.from, range.to + 1);
  const offset = bounds[0] as number;
  const firstOf = bounds.map((first) => first - offset);
  const count = firstOf.at(-1) as number;
  const poolOf = new Int32Array(count);
  const capacity = new Float64Array(count);
  const stable = new Uint8Array(count);
  const isp = new Uint8Array(count);
  const ispShares = cumulated(zipf(ISPS, ISP_SKEW));
  for (let pool = 0; pool < range.to - range.from; pool += 1) poolOf.fill(pool, firstOf[pool], firstOf[pool + 1]);
  for (let node = 0; node < count; node += 1) {
    const drawn = uniform(seed, STREAM.capacity, node + offset);
    capacity[node] = (CAPACITIES.find(({ below }) => drawn < below) ?? CAPACITIES[3]).units;
    stable[node] = uniform(seed, STREAM.stable, node + offset) < 0.5 ? 1 : 0;
    const connected = uniform(seed, STREAM.isp, node + offset);
    isp[node] = Math.max(
      0,
      ispShares.findIndex((below) => connected < below),
    );
  }
  return {
    nodes: count,
    pools: range.to - range.from,
    offset,
    poolOffset: range.from,
    firstOf,
    poolOf,
    capacity,
    stable,
    isp,
  };
}

/** Where each pool begins; every pool has a node at least. */
export function poolBounds(nodes: number, pools: number): Int32Array {
  const shares = cumulated(zipf(pools, POOL_SKEW));
  const firstOf = new Int32Array(pools + 1);
  for (let pool = 1; pool <= pools; pool += 1) {
    const wanted = Math.round((shares[pool - 1] as number) * nodes);
    firstOf[pool] = Math.min(nodes - (pools - pool), Math.max((firstOf[pool - 1] as number) + 1, wanted));
  }
  return firstOf;
}

function zipf(count: number, skew: number): readonly number[] {
  const weights = Array.from({ length: count }, (_, rank) => (rank + 1) ** -skew);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function cumulated(shares: readonly number[]): readonly number[] {
  let sum = 0;
  return shares.map((share) => (sum += share));
}
