/**
 * Waits for callers, and no longer than was said. Calls are many and each is waited for as long as the others, so one timer
 * does for all of them: the first that came is the first that is late. Knows nothing of what is waited for.
 *
 * Those that are waited for stand in a list whose links are cut when one leaves. In a map that lives as long as the server
 * each table that it outgrows would lead to the next, and so keep every call there ever was until the collector's great round.
 */

/** A place in the list; whoever is waited for gives it back. */
export class Awaited<T> {
  readonly each: T;
  /** By `performance.now`. */
  readonly lateAtMs: number;
  older: Awaited<T> | undefined = undefined;
  newer: Awaited<T> | undefined = undefined;

  constructor(each: T, lateAtMs: number) {
    this.each = each;
    this.lateAtMs = lateAtMs;
  }
}

/** Those that are waited for. A call costs a link in a list, and no timer. */
export class Patience<T> {
  readonly #timeoutMs: number;
  readonly #late: (each: T) => void;
  #first: Awaited<T> | undefined;
  #last: Awaited<T> | undefined;
  #count = 0;
  #isTicking = false;

  /** `late` is called for each that is still waited for `timeoutMs` after it was added; from then on it is not waited for. */
  constructor(timeoutMs: number, late: (each: T) => void) {
    this.#timeoutMs = timeoutMs;
    this.#late = late;
  }

  /** How many are waited for. */
  get count(): number {
    return this.#count;
  }

  /** Waits for one from now on. */
  add(each: T): Awaited<T> {
    const awaited = new Awaited(each, performance.now() + this.#timeoutMs);
    awaited.older = this.#last;
    if (this.#last === undefined) this.#first = awaited;
    else this.#last.newer = awaited;
    this.#last = awaited;
    this.#count += 1;
    if (!this.#isTicking) this.#wait(this.#timeoutMs);
    return awaited;
  }

  /** It is no longer waited for. Nothing happens where it was not. */
  delete(awaited: Awaited<T>): void {
    const { older, newer } = awaited;
    if (older === undefined && this.#first !== awaited) return;
    if (older === undefined) this.#first = newer;
    else older.newer = newer;
    if (newer === undefined) this.#last = older;
    else newer.older = older;
    awaited.older = undefined;
    awaited.newer = undefined;
    this.#count -= 1;
  }

  /** The timer is left to run where nobody is waited for any more: to set it anew for each call would cost more. */
  #wait(waitMs: number): void {
    this.#isTicking = true;
    setTimeout(() => this.#sweep(), Math.ceil(waitMs)).unref();
  }

  #sweep(): void {
    this.#isTicking = false;
    const nowMs = performance.now();
    for (let first = this.#first; first !== undefined; first = this.#first) {
      if (first.lateAtMs > nowMs) return this.#wait(first.lateAtMs - nowMs);
      this.delete(first);
      this.#late(first.each);
    }
  }
}
