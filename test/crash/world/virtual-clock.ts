/** Time that passes only when everybody waits, so that a day of a device's life takes milliseconds and is the same each time. */
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "@moult/agent/inside";

interface Wait {
  readonly atMs: number;
  readonly end: () => void;
}

/** How a stretch of time ended. */
export type Passed = "done" | "nobody waits" | "too long";

/** Turns of the event loop in one stretch; beyond it something goes round in circles without time passing. */
const TURNS_MAX = 20_000;

/** The clock. */
export class VirtualClock implements Clock {
  #nowMs: number;
  #waits: Wait[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  readonly nowMs = (): number => this.#nowMs;

  readonly wait = (waitMs: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wait: Wait = {
        atMs: this.#nowMs + Math.max(0, waitMs),
        end: () => {
          signal?.removeEventListener("abort", wait.end);
          this.#waits = this.#waits.filter((other) => other !== wait);
          resolve();
        },
      };
      this.#waits.push(wait);
      signal?.addEventListener("abort", wait.end, { once: true });
    });
  };

  /** Lets time pass until `isDone`, for at most `withinMs`. All that is under way is finished before the clock moves. */
  async pass(isDone: () => boolean, withinMs: number): Promise<Passed> {
    const endMs = this.#nowMs + withinMs;
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      await turn();
      if (isDone()) return "done";
      const next = this.#waits.reduce<Wait | undefined>(
        (first, wait) => (first === undefined || wait.atMs < first.atMs ? wait : first),
        undefined,
      );
      if (next === undefined) return "nobody waits";
      if (next.atMs > endMs) return "too long";
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.end();
    }
    return "too long";
  }
}
