/**
 * What a pool carried over the last eight days: demand and capacity in bins of five minutes. It remembers and predicts
 * nothing.
 */

/** Length of a bin in minutes. */
const BIN_MINUTES = 5;
/** Bins in the ring: eight days, so that the same hour of last week and what follows it is still there. */
const BINS = (8 * 24 * 60) / BIN_MINUTES;
/** The shape of a day is read with this many bins on either side, so that a past minute's noise is not taken for shape. */
const SMOOTH_BINS = 6;
/** How long the answer to "what was the best moment" is kept, in bins: an hour. */
const BEST_KEPT_BINS = 12;

/** The ring. Minutes count from the epoch. */
export class History {
  readonly #demand = new Float64Array(BINS);
  readonly #spare = new Float64Array(BINS);
  #firstBin = Number.POSITIVE_INFINITY;
  #bin = Number.NEGATIVE_INFINITY;
  #samples = 0;
  #bestAtBin = Number.NEGATIVE_INFINITY;
  #best = 0;

  /** Takes in a minute. Minutes come in order. */
  add(minute: number, demand: number, spare: number): void {
    const bin = Math.floor(minute / BIN_MINUTES);
    if (this.#firstBin === Number.POSITIVE_INFINITY) this.#firstBin = bin;
    if (bin !== this.#bin) {
      // Bins in which nobody spoke repeat what was last known.
      for (let missed = Math.max(this.#bin + 1, bin - BINS + 1); missed < bin && missed > this.#firstBin; missed += 1) {
        this.#demand[missed % BINS] = demand;
        this.#spare[missed % BINS] = Number.NEGATIVE_INFINITY;
      }
      this.#bin = bin;
      this.#samples = 0;
      this.#demand[bin % BINS] = 0;
      this.#spare[bin % BINS] = Number.NEGATIVE_INFINITY;
    }
    const index = bin % BINS;
    this.#samples += 1;
    this.#demand[index] = (this.#demand[index] as number) + (demand - (this.#demand[index] as number)) / this.#samples;
    this.#spare[index] = Math.max(this.#spare[index] as number, spare);
  }

  /** Whether a minute is in the ring. */
  covers(minute: number): boolean {
    const bin = Math.floor(minute / BIN_MINUTES);
    return bin >= this.#firstBin && bin > this.#bin - BINS && bin <= this.#bin;
  }

  /** Demand around a past minute, smoothed over what of its surroundings is remembered; 0 where nothing is. */
  shape(minute: number): number {
    const exact = minute / BIN_MINUTES - 0.5;
    const bin = Math.floor(exact);
    const share = exact - bin;
    const from = Math.max(bin - SMOOTH_BINS, this.#firstBin, this.#bin - BINS + 1);
    const to = Math.min(bin + SMOOTH_BINS + 1, this.#bin);
    let sum = 0;
    let weights = 0;
    for (let at = from; at <= to; at += 1) {
      const weight = at === bin - SMOOTH_BINS ? 1 - share : at === bin + SMOOTH_BINS + 1 ? share : 1;
      sum += weight * (this.#demand[((at % BINS) + BINS) % BINS] as number);
      weights += weight;
    }
    return weights === 0 ? 0 : sum / weights;
  }

  /** Length of what is remembered, in minutes. */
  get minutes(): number {
    return this.#firstBin === Number.POSITIVE_INFINITY ? 0 : (this.#bin - this.#firstBin + 1) * BIN_MINUTES;
  }

  /** The most that could have been spared at any moment of the last seven days; looked up once an hour. */
  bestSpare(): number {
    if (this.#bin - this.#bestAtBin < BEST_KEPT_BINS) return this.#best;
    this.#bestAtBin = this.#bin;
    this.#best = Number.NEGATIVE_INFINITY;
    const from = Math.max(this.#firstBin, this.#bin - (7 * 24 * 60) / BIN_MINUTES);
    for (let bin = from; bin <= this.#bin; bin += 1)
      this.#best = Math.max(this.#best, this.#spare[bin % BINS] as number);
    return this.#best;
  }
}
