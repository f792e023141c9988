/** Tells a peer that floods from one that is busy: so many frames at once, and so many a second for as long as it likes. */

/** A bucket of tokens. Time is what the caller says it is, in milliseconds of any origin that never goes back. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perS: number;
  #tokens: number;
  #atMs: number;

  constructor(burst: number, perS: number, nowMs: number) {
    this.#burst = burst;
    this.#perS = perS;
    this.#tokens = burst;
    this.#atMs = nowMs;
  }

  /** Takes one; false where there is none. */
  take(nowMs: number): boolean {
    const gained = (Math.max(0, nowMs - this.#atMs) / 1000) * this.#perS;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
