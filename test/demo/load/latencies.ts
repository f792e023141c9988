/** How long answers took: counts by the millisecond, so that a long run costs no more memory than a short one. */

/** Answers are counted up to this; a request that takes longer has failed by then. In milliseconds. */
const LONGEST_MS = 2000;

/** A histogram of latencies. */
export class Latencies {
  readonly #counts = new Uint32Array(LONGEST_MS + 1);
  #total = 0;

  record(latencyMs: number): void {
    const at = Math.min(LONGEST_MS, Math.max(0, Math.round(latencyMs)));
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#total += 1;
  }

  /** The latency in milliseconds that `share` (0 to 1) of the answers did not exceed; 0 where there is no answer yet. */
  quantileMs(share: number): number {
    const wanted = Math.ceil(share * this.#total);
    let seen = 0;
    for (let ms = 0; ms <= LONGEST_MS && this.#total > 0; ms += 1) {
      seen += this.#counts[ms] ?? 0;
      if (seen >= wanted) return ms;
    }
    return 0;
  }
}
