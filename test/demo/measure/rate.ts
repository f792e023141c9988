/** How many things happened a second, over a window that slides. It is told the time; it reads no clock. */

/** The window is kept in this many steps, so that it slides by a tenth of itself. */
const STEPS = 10;

/** Counts things over a sliding window. */
export class Rate {
  readonly #stepMs: number;
  readonly #counts: number[] = Array.from({ length: STEPS }, () => 0);
  #step = 0;

  /** `windowMs`: length of the window, in milliseconds. */
  constructor(windowMs: number) {
    this.#stepMs = windowMs / STEPS;
  }

  /** One thing happened at `atMs`, on a clock that never goes back. What is told late counts for when it happened. */
  count(atMs: number): void {
    this.#slide(atMs);
    const step = Math.floor(atMs / this.#stepMs);
    if (step <= this.#step - STEPS) return;
    const at = step % STEPS;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Things a second over the window that ends at `nowMs`. The step that has only begun counts for its part. */
  perSecond(nowMs: number): number {
    this.#slide(nowMs);
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const begunMs = nowMs - this.#step * this.#stepMs;
    const coveredMs = (STEPS - 1) * this.#stepMs + begunMs;
    return coveredMs > 0 ? (total * 1000) / coveredMs : 0;
  }

  #slide(nowMs: number): void {
    const step = Math.floor(nowMs / this.#stepMs);
    for (let empty = Math.max(this.#step + 1, step - STEPS + 1); empty <= step; empty += 1) {
      this.#counts[empty % STEPS] = 0;
    }
    this.#step = Math.max(this.#step, step);
  }
}
