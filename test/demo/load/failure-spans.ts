/**
 * For how long, at the longest, every request failed. Answers come in any order; requests are judged in the order in
 * which they were sent.
 */

/** The longest run of failures without a success between. */
export class FailureSpans {
  readonly #settled = new Map<number, { readonly sentMs: number; readonly ok: boolean }>();
  #next = 0;
  #failingSinceMs: number | undefined;
  #longestMs = 0;

  /** The request `seq` (0, 1, 2… in the order of sending) was sent at `sentMs` and has ended. */
  settle(seq: number, sentMs: number, ok: boolean): void {
    this.#settled.set(seq, { sentMs, ok });
    for (let head = this.#settled.get(this.#next); head !== undefined; head = this.#settled.get(this.#next)) {
      this.#settled.delete(this.#next);
      this.#next += 1;
      this.#judge(head.sentMs, head.ok);
    }
  }

  /** From the sending of the first failed request of the longest run to that of the first that went well again. */
  get longestMs(): number {
    return this.#longestMs;
  }

  #judge(sentMs: number, ok: boolean): void {
    if (!ok) this.#failingSinceMs ??= sentMs;
    if (this.#failingSinceMs !== undefined) this.#longestMs = Math.max(this.#longestMs, sentMs - this.#failingSinceMs);
    if (ok) this.#failingSinceMs = undefined;
  }
}
