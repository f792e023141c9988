/**
 * The workload's real limit: so many units of work at once, a bounded line behind them, and a "no" beyond that. It is
 * what makes the fleet's capacity a fact and not a number in a message. It keeps no time and knows nothing of HTTP.
 */

/** How much work fits. */
export interface WorkLimits {
  /** Units of work done at the same time; 1 or more. */
  readonly slots: number;
  /** Units of work that may wait for a slot; 0 or more. */
  readonly waitingMax: number;
}

/** Takes work in, one unit a call, and lets it wait its turn. */
export class WorkQueue {
  readonly #limits: WorkLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #startedTotal = 0;

  constructor(limits: WorkLimits) {
    this.#limits = limits;
  }

  /**
   * Resolves once a slot is free; undefined where the line is full and the work is refused. Each unit taken in must
   * `leave` exactly once.
   */
  enter(): Promise<void> | undefined {
    if (this.#running < this.#limits.slots) {
      this.#running += 1;
      this.#startedTotal += 1;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#limits.waitingMax) return undefined;
    this.#startedTotal += 1;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A unit of work is done: its slot goes to whoever waits longest. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }

  /** Units begun and not finished, waiting ones included. */
  get inFlight(): number {
    return this.#running + this.#waiting.length;
  }

  /** Units taken in since the start; refused ones are not among them. */
  get startedTotal(): number {
    return this.#startedTotal;
  }
}
