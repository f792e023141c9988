/**
 * When an agent that was woken by a timer is done: it has asked, nothing of a move or its outcome is left to do, and the
 * workload knows that it is to work. Pure but for what it remembers.
 */
import { EXIT_STOPPED, EXIT_UNREACHABLE } from "../exit-codes.ts";
import type { Machine } from "../update/state.ts";

/** So many calls in a row without an answer, and the next wake has to try. */
const ATTEMPTS_MAX = 3;

/** A workload that has not taken in by then that it is to work is not waited for any longer, in milliseconds. */
const WORK_MS = 30_000;

/** One wake. */
export class Once {
  #asked = false;
  #idleSinceMs: number | undefined;

  /** The exit code once there is nothing more to do; undefined before. To be called when all effects are carried out. */
  consider({ phase, memory }: Machine, nowMs: number): number | undefined {
    if (phase.name !== "IDLE") {
      this.#asked = true;
      this.#idleSinceMs = undefined;
      return phase.name === "ASKING" && phase.attempts >= ATTEMPTS_MAX ? EXIT_UNREACHABLE : undefined;
    }
    const { telling, work } = memory;
    if (telling !== undefined) return telling.attempts >= ATTEMPTS_MAX ? EXIT_UNREACHABLE : undefined;
    if (!this.#asked) return undefined;
    this.#idleSinceMs ??= nowMs;
    const knows = work.told && work.state !== "DRAINING";
    if (!knows && nowMs - this.#idleSinceMs < WORK_MS) return undefined;
    return memory.reachable ? EXIT_STOPPED : EXIT_UNREACHABLE;
  }
}
