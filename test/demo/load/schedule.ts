/**
 * When the next request is sent. The load is open: requests arrive at their rate whether or not earlier ones were
 * answered, so that a slow service meets a line and not a polite pause. The same seed gives the same arrivals.
 */

/** A gap is between half and one and a half of the mean: uneven, yet a second's worth is close to the rate. */
const GAP_MIN = 0.5;

/** Draws the gaps between arrivals. */
export class Schedule {
  #state: number;

  /** `seed`: any whole number. */
  constructor(seed: number) {
    // Zero is the one state from which the generator never moves.
    this.#state = (Math.trunc(seed) ^ 0x6d6f756c) | 0 || 1;
  }

  /** Milliseconds from one arrival to the next at `rateRps`, which is above 0. */
  gapMs(rateRps: number): number {
    return (1000 / rateRps) * (GAP_MIN + this.#fraction());
  }

  /** A fraction from 0 to below 1, by a 32-bit xorshift: plenty for uneven gaps. */
  #fraction(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 2 ** 32;
  }
}
