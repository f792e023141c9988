/**
 * The time by which a fleet's permits end, where several coordinators decide one after another: the database's. It is taken
 * over when the seat is, so that a replica whose own clock is wrong ends nothing early and keeps nothing late.
 */
import type { Clock } from "../ports.ts";

/** A clock that is put right by another one, and goes on by itself in between. */
export class SharedClock implements Clock {
  readonly #own: Clock;
  #aheadMs = 0;

  constructor(own: Clock) {
    this.#own = own;
  }

  /** Says from now on what the other clock says, which now is at `nowMs`. */
  follow(nowMs: number): void {
    this.#aheadMs = nowMs - this.#own.now();
  }

  now(): number {
    return this.#own.now() + this.#aheadMs;
  }
}
