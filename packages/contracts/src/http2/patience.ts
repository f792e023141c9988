/**
 * Waits for callers, and no longer than was said. Calls are many and each is waited for as long as the others, so one timer
 * does for all of them: the first that came is the first that is late. Knows nothing of what is waited for.
 */

/** Those that are waited for. A call costs an entry in a map, and no timer. */
export class Patience<T> {
  readonly #timeoutMs: number;
  readonly #late: (each: T) => void;
  /** When each is late, by `performance.now`; in the order in which they came. */
  readonly #waited = new Map<T, number>();
  #isTicking = false;

  /** `late` is called for each that is still waited for `timeoutMs` after it was added; from then on it is not waited for. */
  constructor(timeoutMs: number, late: (each: T) => void) {
    this.#timeoutMs = timeoutMs;
    this.#late = late;
  }

  /** How many are waited for. */
  get count(): number {
    return this.#waited.size;
  }

  /** Waits for one from now on. */
  add(each: T): void {
    this.#waited.set(each, performance.now() + this.#timeoutMs);
    if (!this.#isTicking) this.#wait(this.#timeoutMs);
  }

  /** It is no longer waited for. */
  delete(each: T): void {
    this.#waited.delete(each);
  }

  /** The timer is left to run where nobody is waited for any more: to set it anew for each call would cost more. */
  #wait(waitMs: number): void {
    this.#isTicking = true;
    setTimeout(() => this.#sweep(), Math.ceil(waitMs)).unref();
  }

  #sweep(): void {
    this.#isTicking = false;
    const nowMs = performance.now();
    for (const [each, lateAtMs] of this.#waited) {
      if (lateAtMs > nowMs) return this.#wait(lateAtMs - nowMs);
      this.#waited.delete(each);
      this.#late(each);
    }
  }
}
