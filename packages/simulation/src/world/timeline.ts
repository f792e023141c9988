/** Looking ahead in a node's sessions. Only the clairvoyant and the lower bound may. */
import type { World } from "./world.ts";

/** Whether the node is down at a time. */
export function downAt(world: World, node: number, atMs: number): boolean {
  return flipsUntil(world, node, atMs) % 2 === 1;
}

/** The first time from then on at which the node is up; Infinity where it stays down. */
export function upFrom(world: World, node: number, atMs: number): number {
  const { first, atMs: flips } = world.sessions;
  const passed = flipsUntil(world, node, atMs);
  if (passed % 2 === 0) return atMs;
  const next = (first[node] as number) + passed;
  return next < (first[node + 1] as number) ? (flips[next] as number) : Number.POSITIVE_INFINITY;
}

/** How many flips of a node are not after a time. */
function flipsUntil(world: World, node: number, atMs: number): number {
  const { first, atMs: flips } = world.sessions;
  const start = first[node] as number;
  let low = start;
  let high = first[node + 1] as number;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((flips[middle] as number) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low - start;
}
