/**
 * How much capacity a pool loses to nodes that vanish: mean and variance of what went in windows of five minutes, as shares
 * of the capacity that served. What goes together (a house, an ISP) lands in one window and so counts by its square.
 */

/** Length of a window in minutes. */
const WINDOW_MIN = 5;
/** Windows that are remembered: two days. */
const MEMORY = 576;
/** What an unknown pool is taken to lose in an hour, and how many windows that weighs (four hours). */
const PRIOR = { shareAnHour: 0.06, windows: 48 };
/** How long a node is silent before that is noticed, until it has been observed: three minutes. */
const PRIOR_NOTICE_MIN = 3;
/** Weight of the newest observation of that delay. */
const NOTICE_STEP = 0.05;
const MINUTE_MS = 60_000;

/** The estimator. */
export class Churn {
  /** Mean share lost in a window, and its variance beyond what single nodes explain. */
  #mean = (PRIOR.shareAnHour * WINDOW_MIN) / 60;
  #variance = 0;
  #windows = PRIOR.windows;
  #lost = 0;
  #minutes = 0;
  #noticeMin = PRIOR_NOTICE_MIN;

  /** A node that served is gone; it was last heard so long ago. */
  vanished(capacity: number, silentMs: number): void {
    this.#lost += capacity;
    this.#noticeMin += (silentMs / MINUTE_MS - this.#noticeMin) * NOTICE_STEP;
  }

  /** A minute has passed in which that capacity served. */
  minute(capacity: number): void {
    this.#minutes += 1;
    if (this.#minutes < WINDOW_MIN) return;
    const share = capacity + this.#lost > 0 ? this.#lost / (capacity + this.#lost) : 0;
    this.#minutes = 0;
    this.#lost = 0;
    this.#windows = Math.min(MEMORY, this.#windows + 1);
    const off = share - this.#mean;
    this.#mean += off / this.#windows;
    this.#variance += (off * (share - this.#mean) - this.#variance) / this.#windows;
  }

  /** Mean share lost within a time from now on, what is gone but not noticed included. */
  mean(minutes: number): number {
    return this.#mean * this.#span(minutes);
  }

  /**
   * Variance of that share. Where nodes go one by one it is the mean times the share of a typical node; what was observed
   * beyond that is kept.
   */
  variance(minutes: number, nodeShare: number): number {
    return Math.max(this.#variance, this.#mean * nodeShare) * this.#span(minutes);
  }

  #span(minutes: number): number {
    return (minutes + this.#noticeMin) / WINDOW_MIN;
  }
}
