/**
 * Capacity and load are summed as whole thousandths of a unit a second ("milli"), so that adding and taking away any
 * number of times gives exactly what a recomputation from scratch gives. With 10^7 units a second as the largest claim a
 * node can make, sums stay exact (below 2^53) for pools of up to 900,000 nodes that all claim the most.
 */

/** The largest capacity or load a node can claim, in units of work a second. */
export const CLAIM_MAX_RPS = 10_000_000;

/** A claim as whole thousandths. The claim was bounded on its way in. */
export function toMilli(rps: number): number {
  return Math.round(rps * 1000);
}

/** Thousandths as people and the contract write them. */
export function fromMilli(milli: number): number {
  return milli / 1000;
}
