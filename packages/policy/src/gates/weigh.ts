/**
 * The weighing in gate 3: at every moment of the predicted absence, what serves must cover what is asked for and a reserve
 * against everything that may go wrong. Pure arithmetic over the pool's outlook.
 *
 * At horizon h, for a node of capacity c of which the share s(h) of such absences is still away:
 *   spare(h)   = fresh + back(h) - c - hold
 *   need(h)    = demand × growth(h)
 *   reserve(h) = max(largest remaining node × z(h)/z,
 *                    vanishing(h) + z(h)·σ(h),
 *                    largest remaining node + z₁(h)·σ of all else)
 *   σ(h)²      = forecast error² + churn + returns that are uncertain: independent risks do not all come true together
 * and spare(h) ≥ need(h) + reserve(h) must hold until the absence is over. Where the sum is skewed z(h) is stretched: in a
 * small pool a few large nodes make most of the risk.
 *
 * The third is the case that hurts small pools: a large node vanishes and something small comes on top. z₁(h) makes both
 * together as unlikely as z(h) alone; how likely a large node is to vanish follows from the churn that was observed.
 *
 * Harm at h takes two things at once: that the node is still away, and that more goes wrong than the reserve covers. z(h) is
 * chosen so that both together are as unlikely at every h as the second alone would be at z: tail(z(h)) × s(h) = tail(z).
 * Where that needs no reserve at all the absence is as good as over. And z itself is the configured one for a node of the
 * pool's mean size: the harm a leave can do grows with its capacity and one node is one node, so small ones may take more.
 */
import type { AbsenceCurve } from "../pool/absence.ts";
import { TAIL_MOST, deviationsFor, skewed, tailBeyond } from "../pool/normal.ts";
import { type Member, Pool } from "../pool/pool.ts";
import { HORIZONS_MIN } from "../pool/risk.ts";

/** The moment at which a leave is tight. All capacities in milli-units. */
export interface Weighing {
  readonly horizonMin: number;
  readonly spareMilli: number;
  readonly needMilli: number;
  readonly reserveMilli: number;
  readonly shortfallMilli: number;
}

/** What is weighed. */
export interface Weight {
  readonly pool: Pool;
  readonly member: Member;
  readonly curve: AbsenceCurve;
  /** Capacity that is held for another node. */
  readonly holdMilli: number;
  /** Standard deviations that the reserve covers for a node of mean size. */
  readonly z: number;
  /** Look for the tightest moment; else the first that is too tight is enough, which answers nearly every refusal at once. */
  readonly thorough: boolean;
}

/** Finds the tightest moment, or the first that is too tight. A member that holds a permit is charged already and part of what may come back. */
export function weigh(weight: Weight): Weighing {
  const { pool, member } = weight;
  const { capacityFreshMilli: fresh, demandMilli: demand, capacityCubes: cubes } = pool;
  const { growth, demandDeviation, lossMean, lossVariance, leaves } = pool.outlook;
  const own = Pool.counts(member) ? member.capacityMilli : 0;
  if (weight.z <= 0) return withoutReserve(pool, own + weight.holdMilli);
  const largest = pool.largestMilliWithout(member);
  const tail = tailForSize(weight.z, member.capacityMilli, pool.meanCapacityMilli);
  const z = Math.max(Z_LEAST, deviationsFor(tail));
  const largeCount = largest > 0 ? cubes / largest ** 3 : 0;
  let worst = -1;
  let worstSpare = 0;
  let worstNeed = 0;
  let worstReserve = 0;
  let worstShort = Number.NEGATIVE_INFINITY;
  for (let horizon = 0; horizon < HORIZONS_MIN.length; horizon += 1) {
    const need = demand * (growth[horizon] as number);
    // Where nothing is asked for nothing can fall short, whatever vanishes: a pool of one idle node may move.
    if (need === 0) continue;
    const lost = lossMean[horizon] as number;
    const churn = (lossVariance[horizon] as number) * fresh * fresh;
    const variance = ((demandDeviation[horizon] as number) * need) ** 2 + churn + (leaves.variance[horizon] as number);
    const deviation = Math.sqrt(variance);
    const still = weight.curve.survival(HORIZONS_MIN[horizon] as number);
    const chance = still > MOSTLY_BACK ? still : still * Math.min(1, (BAND * member.capacityMilli) / deviation);
    if (tail >= chance * TAIL_MOST) continue;
    const zThen = chance === 1 ? z : deviationsFor(tail / chance);
    const third = lost * cubes + (leaves.third[horizon] as number);
    const stretched = deviation > 0 ? skewed(zThen, third / (variance * deviation)) : 0;
    const jump = lost * largeCount;
    const rest = Math.sqrt(Math.max(0, variance - Math.min(churn, jump * largest * largest)));
    const reserve = Math.max(
      (largest * zThen) / z,
      lost * fresh + stretched * deviation,
      tail < jump * chance * TAIL_MOST ? largest + deviationsFor(tail / (chance * Math.min(1, jump))) * rest : 0,
    );
    const spare = fresh + (leaves.back[horizon] as number) - own - weight.holdMilli;
    const short = need + reserve - spare;
    if (short <= worstShort) continue;
    worst = horizon;
    worstSpare = spare;
    worstNeed = need;
    worstReserve = reserve;
    worstShort = short;
    if (short > 0 && !weight.thorough) break;
  }
  return {
    horizonMin: HORIZONS_MIN[worst] as number,
    spareMilli: Math.floor(worstSpare),
    needMilli: Math.ceil(worstNeed),
    reserveMilli: Math.ceil(worstReserve),
    shortfallMilli: Math.ceil(worstShort),
  };
}

/** What is left against what is asked for, at this moment and with no reserve. */
function withoutReserve({ capacityFreshMilli, demandMilli }: Pool, goneMilli: number): Weighing {
  const spareMilli = capacityFreshMilli - goneMilli;
  return {
    horizonMin: 0,
    spareMilli,
    needMilli: demandMilli,
    reserveMilli: 0,
    shortfallMilli: demandMilli - spareMilli,
  };
}

/** A node's size against the mean counts within these bounds. */
const SIZE_BOUNDS = { least: 0.25, most: 4 };

/** Whatever the size, so many deviations are kept. */
const Z_LEAST = 0.5;
/** From this share on an absence is taken to be going on; below, it is one that lasts longer than most. */
const MOSTLY_BACK = 0.5;
const BAND = 2;

/** The tail that a node of a size may leave: the configured one, shared out by size. */
function tailForSize(z: number, capacityMilli: number, meanMilli: number): number {
  const tail = tailBeyond(z);
  if (meanMilli <= 0 || capacityMilli <= 0) return tail;
  return tail / Math.min(SIZE_BOUNDS.most, Math.max(SIZE_BOUNDS.least, capacityMilli / meanMilli));
}
