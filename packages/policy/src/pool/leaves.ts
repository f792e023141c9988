/**
 * Capacity on leave by when it left, and how much of it may be counted on to be back at each horizon. Kept by deltas; the
 * look ahead is made anew once a minute or after a return.
 */
import type { AbsenceCurve } from "./absence.ts";
import { HORIZONS_MIN } from "./risk.ts";

/** Capacity that left in one minute: its sum, and the sums of its squares and cubes. */
interface Cohort {
  capacity: number;
  squares: number;
  cubes: number;
  count: number;
}

/** The leaves of a pool. */
export class Leaves {
  /** Capacity expected back by each horizon, and the variance of that. */
  readonly back: Float64Array = new Float64Array(HORIZONS_MIN.length);
  readonly variance: Float64Array = new Float64Array(HORIZONS_MIN.length);
  /** Third central moment of what is still away: how much further than evenly it can go wrong. */
  readonly third: Float64Array = new Float64Array(HORIZONS_MIN.length);
  readonly #cohorts = new Map<AbsenceCurve, Map<number, Cohort>>();

  /** A node leaves. The look ahead is adjusted at once. */
  add(curve: AbsenceCurve, minute: number, capacity: number): void {
    let cohorts = this.#cohorts.get(curve);
    if (cohorts === undefined) this.#cohorts.set(curve, (cohorts = new Map()));
    const cohort = cohorts.get(minute);
    const squares = capacity * capacity;
    const cubes = squares * capacity;
    const one: Cohort = { capacity, squares, cubes, count: 1 };
    if (cohort === undefined) cohorts.set(minute, one);
    else {
      cohort.capacity += capacity;
      cohort.squares += squares;
      cohort.cubes += cubes;
      cohort.count += 1;
    }
    for (let horizon = 0; horizon < HORIZONS_MIN.length; horizon += 1) {
      this.#foresee(horizon, curve.survival(HORIZONS_MIN[horizon] as number), one);
    }
  }

  /** A leave ends; the look ahead is wrong until it is made anew. */
  remove(curve: AbsenceCurve, minute: number, capacity: number): void {
    const cohorts = this.#cohorts.get(curve);
    const cohort = cohorts?.get(minute);
    if (cohorts === undefined || cohort === undefined) return;
    cohort.capacity -= capacity;
    cohort.squares -= capacity * capacity;
    cohort.cubes -= capacity ** 3;
    cohort.count -= 1;
    if (cohort.count === 0) cohorts.delete(minute);
    if (cohorts.size === 0) this.#cohorts.delete(curve);
  }

  /** Makes the look ahead anew. */
  refresh(minute: number): void {
    this.back.fill(0);
    this.variance.fill(0);
    this.third.fill(0);
    for (const [curve, cohorts] of this.#cohorts) {
      curve.refresh(minute);
      for (const [leftMinute, cohort] of cohorts) {
        const age = minute - leftMinute;
        const now = curve.survival(age);
        for (let horizon = 1; horizon < HORIZONS_MIN.length; horizon += 1) {
          const still = now > 0 ? curve.survival(age + (HORIZONS_MIN[horizon] as number)) / now : 1;
          this.#foresee(horizon, still, cohort);
        }
      }
    }
  }

  #foresee(horizon: number, still: number, { capacity, squares, cubes }: Cohort): void {
    this.back[horizon] = (this.back[horizon] as number) + capacity * (1 - still);
    this.variance[horizon] = (this.variance[horizon] as number) + squares * still * (1 - still);
    this.third[horizon] = (this.third[horizon] as number) + cubes * still * (1 - still) * (1 - 2 * still);
  }
}
