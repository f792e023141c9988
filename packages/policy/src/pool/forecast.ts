/**
 * How much a pool will be asked for: the demand now, times how the same span went yesterday or last week, or simply the
 * demand now, whichever of the three has been wrong least. Each measures its own error at each horizon; the error is part
 * of the answer.
 */
import type { History } from "./history.ts";
import { HORIZONS_MIN } from "./risk.ts";

/** How far back the candidates look, in minutes; 0 looks at nothing but now. */
const LAGS_MIN = [0, 1440, 10_080];
/** The candidates are compared at the horizon with this index (ten minutes). */
const COMPARED = 7;
/** Errors are remembered for about two days of minutes. */
const MEMORY = 2880;
/** What an unknown pool's error is taken for, at one minute; it grows with the root of the horizon. */
const PRIOR_ERROR = 0.008;
/** The prior weighs as much as this many minutes. */
const PRIOR_WEIGHT = 120;
/** The tracked quantile of the peaks, and where it stands, in deviations, if what is between is a random walk. */
const QUANTILE = { share: 0.99, deviations: 2.576 };
/** Step of the quantile's tracker, in standard deviations. */
const QUANTILE_STEP = 0.05;
/** An error is taken for at most this: a demand that came out of nothing says nothing of shape. */
const ERROR_MOST = 1;

const COUNT = HORIZONS_MIN.length;
const LONGEST = HORIZONS_MIN[COUNT - 1] as number;
/** Slots of the rings in minutes. */
const RING = LONGEST + 1;

/** One way to predict, with what it has been wrong by. */
class Candidate {
  readonly lagMin: number;
  /** Predicted growth until each horizon, at least 1. */
  readonly growth: Float64Array = new Float64Array(COUNT).fill(1);
  readonly #promised = Array.from({ length: COUNT }, () => new Float64Array(RING));
  /**
   * Mean square of the errors to the dangerous side. What is compared are peaks: of a random walk the square of the highest
   * rise is, in the mean, its variance.
   */
  readonly #square = Float64Array.from(HORIZONS_MIN, (minutes) => PRIOR_ERROR ** 2 * Math.max(1, minutes));
  readonly #quantile = Float64Array.from(HORIZONS_MIN, () => 0);
  #samples = PRIOR_WEIGHT;
  #sinceMinute = Number.POSITIVE_INFINITY;

  constructor(lagMin: number) {
    this.lagMin = lagMin;
  }

  /** Standard deviation of the error at a horizon, as a share of the demand. */
  deviation(horizon: number): number {
    const root = Math.sqrt(this.#square[horizon] as number);
    return Math.max(root, (this.#quantile[horizon] as number) / QUANTILE.deviations);
  }

  /** Compares what was promised with what came. */
  learn(minute: number, peaks: Float64Array): void {
    this.#samples = Math.min(MEMORY, this.#samples + 1);
    for (let horizon = 1; horizon < COUNT; horizon += 1) {
      const from = minute - (HORIZONS_MIN[horizon] as number);
      if (from < this.#sinceMinute) continue;
      const promised = (this.#promised[horizon] as Float64Array)[from % RING] as number;
      if (promised <= 0) continue;
      const error = Math.min(ERROR_MOST, (peaks[horizon] as number) / promised - 1);
      const wrong = error > 0 ? error * error : 0;
      const square = this.#square[horizon] as number;
      this.#square[horizon] = square + (wrong - square) / this.#samples;
      const step = QUANTILE_STEP * Math.sqrt(square);
      const quantile = this.#quantile[horizon] as number;
      this.#quantile[horizon] = quantile + step * (error > quantile ? QUANTILE.share : QUANTILE.share - 1);
    }
  }

  /** Starts from what another candidate has been wrong by: it is taken for no better until it shows. */
  inherit(other: Candidate): void {
    this.#square.set(other.#square);
    this.#quantile.set(other.#quantile);
    this.#samples = other.#samples;
  }

  /** Whether it has promised anything yet. */
  get begun(): boolean {
    return this.#sinceMinute !== Number.POSITIVE_INFINITY;
  }

  /** Promises growth from now on. */
  promise(minute: number, demand: number, history: History): void {
    if (!this.begun) this.#sinceMinute = minute;
    const base = this.lagMin > 0 ? history.shape(minute - this.lagMin) : 0;
    let most = 1;
    for (let horizon = 0; horizon < COUNT; horizon += 1) {
      const ahead = HORIZONS_MIN[horizon] as number;
      if (base > 0) most = Math.max(most, history.shape(minute + ahead - this.lagMin) / base);
      this.growth[horizon] = most;
      (this.#promised[horizon] as Float64Array)[minute % RING] = this.lagMin > 0 && base <= 0 ? 0 : demand * most;
    }
  }
}

/** The forecaster of a pool. */
export class Forecast {
  readonly #history: History;
  readonly #candidates = LAGS_MIN.map((lag) => new Candidate(lag));
  readonly #recent = new Float64Array(RING);
  readonly #peaks = new Float64Array(COUNT);
  #best = this.#candidates[0] as Candidate;

  constructor(history: History) {
    this.#history = history;
  }

  /** Takes in the demand of a minute that has begun. The history has it already. */
  add(minute: number, demand: number): void {
    this.#recent[minute % RING] = demand;
    this.#measurePeaks(minute);
    const plain = this.#candidates[0] as Candidate;
    this.#best = plain;
    for (const candidate of this.#candidates) {
      if (candidate !== plain && !this.#history.covers(minute - candidate.lagMin)) continue;
      if (!candidate.begun && candidate !== plain) candidate.inherit(plain);
      candidate.learn(minute, this.#peaks);
      candidate.promise(minute, demand, this.#history);
      // Where two are equally good, the one that knows the day is the safer.
      if (candidate.deviation(COMPARED) <= this.#best.deviation(COMPARED)) this.#best = candidate;
    }
  }

  /** By how much the demand grows at most until a horizon: 1 or more. */
  growth(horizon: number): number {
    return this.#best.growth[horizon] as number;
  }

  /** Standard deviation of that forecast's own error, as a share of the demand; a minute's lag of the reports included. */
  deviation(horizon: number): number {
    return this.#best.deviation(Math.min(COUNT - 1, horizon + 1));
  }

  /** The highest demand of the last minutes, for each horizon. */
  #measurePeaks(minute: number): void {
    let peak = 0;
    let back = 0;
    for (let horizon = 0; horizon < COUNT; horizon += 1) {
      for (; back <= (HORIZONS_MIN[horizon] as number); back += 1) {
        peak = Math.max(peak, this.#recent[(((minute - back) % RING) + RING) % RING] as number);
      }
      this.#peaks[horizon] = peak;
    }
  }
}
