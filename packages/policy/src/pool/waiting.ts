/**
 * Who has waited how long for gate 3, longest first, and the pool's one hold: the oldest waiter once it has waited long
 * enough. Others then need room beyond the hold's, so a busy or a large node does get its turn.
 */
import type { RiskConfig } from "./risk.ts";

interface Wait {
  readonly sinceMs: number;
  askedMs: number;
}

/** The waiters of a pool. */
export class Waiting<T> {
  /** In the order in which they began to wait. */
  readonly #waits = new Map<T, Wait>();

  /** It was refused. Returns since when it has waited. */
  refused(member: T, now: number): number {
    const wait = this.#waits.get(member);
    if (wait === undefined) {
      this.#waits.set(member, { sinceMs: now, askedMs: now });
      return now;
    }
    wait.askedMs = now;
    return wait.sinceMs;
  }

  /** It waits no more. */
  done(member: T): void {
    this.#waits.delete(member);
  }

  /** The one that is held for, if somebody is. Waiters that have gone silent are forgotten on the way. */
  hold(now: number, risk: RiskConfig): T | undefined {
    for (const [member, wait] of this.#waits) {
      if (now - wait.sinceMs < risk.holdAfterMs) return undefined;
      if (now - wait.askedMs <= risk.waiterSilentMs) return member;
      this.#waits.delete(member);
    }
    return undefined;
  }
}
