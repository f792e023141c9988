/**
 * Cancels streams to the replica that decides: some at once, and then few a second. A server ends a connection on which too
 * many streams are reset, with all that goes over it, and anybody who opens calls and leaves could have it reset them.
 */

/** At once. The server ends a connection at 200, and up to 80 that stand are reset together where the connection is given up. */
const CANCELS_AT_ONCE_MAX = 100;
/** And then so many a second, of the 33 that the server forgives. */
const CANCELS_PER_S = 20;

/** What can be cancelled. */
export interface Cancellable {
  readonly cancel: () => void;
}

/** Of one connection. */
export class PacedCancels {
  readonly #waiting = new Set<Cancellable>();
  #left = CANCELS_AT_ONCE_MAX;
  #countedAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** It is to be cancelled, now or when it is its turn. */
  put(stream: Cancellable): void {
    this.#waiting.add(stream);
    this.#go();
  }

  /** It is over by itself. */
  drop(stream: Cancellable): void {
    this.#waiting.delete(stream);
  }

  /** Cancels all that wait: the connection is of no use any more. */
  close(): void {
    clearTimeout(this.#timer);
    for (const stream of this.#waiting) stream.cancel();
    this.#waiting.clear();
  }

  #go(): void {
    const nowMs = performance.now();
    this.#left = Math.min(CANCELS_AT_ONCE_MAX, this.#left + ((nowMs - this.#countedAtMs) / 1_000) * CANCELS_PER_S);
    this.#countedAtMs = nowMs;
    for (const stream of this.#waiting) {
      if (this.#left < 1) break;
      this.#left -= 1;
      this.#waiting.delete(stream);
      stream.cancel();
    }
    if (this.#waiting.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#go();
    }, 1_000 / CANCELS_PER_S).unref();
  }
}
