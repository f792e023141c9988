/**
 * What a pool has to expect at each horizon: how much will be asked for, how much will have vanished, how much of what is on
 * leave will be back, and how uncertain all that is. Made anew once a minute; it decides nothing.
 */
import type { AbsenceCurve } from "./absence.ts";
import { Churn } from "./churn.ts";
import { Forecast } from "./forecast.ts";
import { History } from "./history.ts";
import { Leaves } from "./leaves.ts";
import { HORIZONS_MIN, MINUTE_MS } from "./risk.ts";

/** Minutes without a word after which the past is taken up anew: nothing was measured in between. */
const GAP_MOST_MIN = 60;

/** What the pool's counters say at the moment. */
export interface PoolSums {
  readonly demandMilli: number;
  readonly capacityFreshMilli: number;
  readonly chargedMilli: number;
  /** Sum of the squares of what serves, for the share of a typical node. */
  readonly capacitySquares: number;
}

/** The outlook of a pool. */
export class Outlook {
  readonly history: History = new History();
  readonly churn: Churn = new Churn();
  readonly leaves: Leaves = new Leaves();
  readonly #forecast = new Forecast(this.history);
  /** Growth of the demand until each horizon, its error's deviation, and what vanishes: shares of the demand or capacity. */
  readonly growth: Float64Array = new Float64Array(HORIZONS_MIN.length).fill(1);
  readonly demandDeviation: Float64Array = new Float64Array(HORIZONS_MIN.length);
  readonly lossMean: Float64Array = new Float64Array(HORIZONS_MIN.length);
  readonly lossVariance: Float64Array = new Float64Array(HORIZONS_MIN.length);
  #minute = Number.NEGATIVE_INFINITY;
  #leavesStale = false;

  /** Lets time pass. Costs nothing within a minute, unless somebody has returned. */
  advance(now: number, sums: PoolSums): void {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute > this.#minute) this.#turn(minute, sums);
    if (!this.#leavesStale) return;
    this.leaves.refresh(minute);
    this.#leavesStale = false;
  }

  /** Whether a time belongs to a later minute than the last that was taken in. */
  isPast(now: number): boolean {
    return now >= (this.#minute + 1) * MINUTE_MS;
  }

  /** A node leaves. */
  left(curve: AbsenceCurve, sinceMs: number, capacityMilli: number): void {
    const minute = Math.floor(sinceMs / MINUTE_MS);
    curve.left(minute);
    this.leaves.add(curve, minute, capacityMilli);
  }

  /** A leave is over; `known` where the node came back. */
  ended(
    curve: AbsenceCurve,
    sinceMs: number,
    capacityMilli: number,
    end: { readonly now: number; readonly known: boolean },
  ): void {
    const minute = Math.floor(sinceMs / MINUTE_MS);
    curve.ended(minute, Math.floor(end.now / MINUTE_MS), end.known);
    this.leaves.remove(curve, minute, capacityMilli);
    this.#leavesStale = true;
  }

  #turn(minute: number, sums: PoolSums): void {
    const spare = sums.capacityFreshMilli + sums.chargedMilli - sums.demandMilli;
    const from = minute - this.#minute > GAP_MOST_MIN ? minute : this.#minute + 1;
    for (let passed = from; passed <= minute; passed += 1) {
      this.history.add(passed, sums.demandMilli, spare);
      this.#forecast.add(passed, sums.demandMilli);
      this.churn.minute(sums.capacityFreshMilli);
    }
    this.#minute = minute;
    const nodeShare = sums.capacityFreshMilli > 0 ? sums.capacitySquares / sums.capacityFreshMilli ** 2 : 0;
    for (let horizon = 0; horizon < HORIZONS_MIN.length; horizon += 1) {
      const minutes = HORIZONS_MIN[horizon] as number;
      this.growth[horizon] = this.#forecast.growth(horizon);
      this.demandDeviation[horizon] = this.#forecast.deviation(horizon);
      this.lossMean[horizon] = this.churn.mean(minutes);
      this.lossVariance[horizon] = this.churn.variance(minutes, nodeShare);
    }
    this.#leavesStale = true;
  }
}
