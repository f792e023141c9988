/** When to pulse: at once when something changed that the pool has to know, else now and then. */
import type { Clock, Log } from "../ports.ts";
import { CallError } from "../ports.ts";
import type { WorkSeen } from "../situation.ts";

/** What a pulse is judged by. */
export interface PulseFacts {
  readonly seen: WorkSeen;
  readonly atMs: number;
}

/** A change of load by this share of the capacity is news. */
const LOAD_CHANGE = 0.1;

/** News of load alone comes no closer together than this, in milliseconds. */
const LOAD_GAP_MS = 250;

/** Whether a pulse is due. Pure. */
export function pulseDue(last: PulseFacts | undefined, now: PulseFacts, intervalMs: number): boolean {
  if (last === undefined) return true;
  const lastedMs = now.atMs - last.atMs;
  if (lastedMs >= intervalMs) return true;
  const [was, is] = [last.seen, now.seen];
  const changed =
    was.view.state !== is.view.state ||
    was.view.locked !== is.view.locked ||
    was.view.shards.join("\n") !== is.view.shards.join("\n") ||
    was.report.capacityRps !== is.report.capacityRps ||
    was.report.endpoint !== is.report.endpoint;
  if (changed) return true;
  const moved = Math.abs(is.report.loadRps - was.report.loadRps) > LOAD_CHANGE * Math.max(is.report.capacityRps, 1);
  return moved && lastedMs >= LOAD_GAP_MS;
}

/** What pulses need. */
export interface PulseParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly roll: () => number;
  readonly intervalMs: number;
  /** Sends a pulse with what is then. Throws CallError. */
  readonly send: () => Promise<void>;
}

/** Sends pulses, one at a time. */
export class Pulses {
  readonly #parts: PulseParts;
  #last: PulseFacts | undefined;
  #seen: WorkSeen | undefined;
  #sending = false;
  #wanted = false;
  #failures = 0;
  #notBeforeMs: number;

  constructor(parts: PulseParts) {
    this.#parts = parts;
    // After a mass restart not everybody speaks at the same moment.
    this.#notBeforeMs = parts.clock.nowMs() + parts.roll() * parts.intervalMs;
  }

  /** The workload was looked at. */
  consider(seen: WorkSeen): void {
    this.#seen = seen;
    this.#sendIfDue();
  }

  /** One pulse, as soon as possible. */
  force(): void {
    this.#wanted = true;
    this.#notBeforeMs = 0;
    this.#sendIfDue();
  }

  #sendIfDue(): void {
    const { clock, intervalMs, log } = this.#parts;
    const atMs = clock.nowMs();
    if (this.#sending || this.#seen === undefined || atMs < this.#notBeforeMs) return;
    const now = { seen: this.#seen, atMs };
    if (!this.#wanted && !pulseDue(this.#last, now, intervalMs)) return;
    this.#sending = true;
    this.#wanted = false;
    this.#sendOne(now).catch((error: unknown) => log.error({ err: error }, "a pulse was lost"));
  }

  async #sendOne(now: PulseFacts): Promise<void> {
    const { clock, intervalMs, send, log } = this.#parts;
    try {
      await send();
      this.#last = now;
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#last = undefined;
      this.#failures += 1;
      // One interval on and no sooner, so that those who wait for a coordinator stay as spread as they were.
      this.#notBeforeMs = clock.nowMs() + intervalMs;
      log.debug({ code: error.code, reason: error.reason }, `no pulse: ${error.message}`);
    } finally {
      this.#sending = false;
    }
    // What changed while it was under way is told by the next.
    if (this.#failures === 0) this.#sendIfDue();
  }
}
