/**
 * The weighing in gate 3: at every moment of the predicted absence, what serves must cover what is asked for and a reserve
 * against everything that may go wrong. Pure arithmetic over the pool's outlook.
 *
 * At horizon h, for a node of capacity c of which the share s(h) of such absences is still away:
 *   spare(h)   = fresh + back(h) - c·s(h) - hold
 *   need(h)    = demand × growth(h)
 *   reserve(h) = max(largest remaining node × z(h)/z, vanishing(h) + z(h)·√(forecast error² + churn + uncertain returns))
 * and spare(h) ≥ need(h) + reserve(h) must hold until the absence is over.
 *
 * Harm at h takes two things at once: that the node is still away, and that more goes wrong than the reserve covers. z(h) is
 * chosen so that both together are as unlikely at every h as the second alone would be at z: tail(z(h)) × s(h) = tail(z).
 * Where that needs no reserve at all the absence is as good as over.
 */
import type { AbsenceCurve } from "../pool/absence.ts";
import { type Member, Pool } from "../pool/pool.ts";
import { TAIL_MOST, deviationsFor, tailBeyond } from "../pool/normal.ts";
import { HORIZONS_MIN } from "../pool/risk.ts";

/** The moment at which a leave is tightest. All capacities in milli-units. */
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
  /** Standard deviations that the reserve covers. */
  readonly z: number;
}

/** Finds the tightest moment. A member that holds a permit is charged already and part of what may come back. */
export function weigh({ pool, member, curve, holdMilli, z }: Weight): Weighing {
  const { outlook, risk, capacityFreshMilli: fresh, demandMilli: demand } = pool;
  const own = Pool.counts(member) ? member.capacityMilli : 0;
  const tail = tailBeyond(z);
  const largest = pool.largestMilliWithout(member);
  let worst = -1;
  let worstSpare = 0;
  let worstNeed = 0;
  let worstReserve = 0;
  let worstShort = Number.NEGATIVE_INFINITY;
  for (let horizon = 0; horizon < HORIZONS_MIN.length; horizon += 1) {
    const still = curve.survival(HORIZONS_MIN[horizon] as number);
    if (tail >= still * TAIL_MOST && horizon > 0) break;
    const zThen = still === 1 ? z : deviationsFor(tail / still);
    const spare = fresh + (outlook.leaves.back[horizon] as number) - own * (risk.fullOwn ? 1 : still) - holdMilli;
    const need = demand * (outlook.growth[horizon] as number);
    const reserve = reserveMilli(pool, horizon, {
      need,
      largest: (largest * zThen) / z,
      z: zThen,
      own: risk.fullOwn ? 0 : own * own * still * (1 - still),
    });
    const short = need + reserve - spare;
    if (short <= worstShort) continue;
    worst = horizon;
    worstSpare = spare;
    worstNeed = need;
    worstReserve = reserve;
    worstShort = short;
  }
  return {
    horizonMin: HORIZONS_MIN[worst] as number,
    spareMilli: Math.floor(worstSpare),
    needMilli: Math.ceil(worstNeed),
    reserveMilli: Math.ceil(worstReserve),
    shortfallMilli: Math.max(0, Math.ceil(worstShort)),
  };
}

/** The reserve at a horizon. Independent risks are added as variances: they do not all come true together. */
function reserveMilli(
  { outlook, capacityFreshMilli: fresh }: Pool,
  horizon: number,
  at: { readonly need: number; readonly largest: number; readonly z: number; readonly own: number },
): number {
  const forecast = ((outlook.demandDeviation[horizon] as number) * at.need) ** 2;
  const churn = (outlook.lossVariance[horizon] as number) * fresh * fresh;
  const returns = (outlook.leaves.variance[horizon] as number) + at.own;
  const vanishing = (outlook.lossMean[horizon] as number) * fresh;
  return Math.max(at.largest, vanishing + at.z * Math.sqrt(forecast + churn + returns));
}
