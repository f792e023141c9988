/**
 * Keeps a log from being flooded: the same thing said again within a minute is counted, and said once more with the count
 * when the minute is over. The first is always written at once. It only holds back what warns or fails; what is told for
 * information is written as it comes. The state is pure; time is told to it.
 */
import type { Log } from "../ports.ts";

/** The same thing is written once in this time, in milliseconds. */
const WINDOW_MS = 60_000;
/** Of one sentence, so many with different facts are told apart in that time; further ones are counted together. */
const VARIANTS_MAX = 10;
/** Facts that are compared, in characters. */
const FACTS_LENGTH = 200;

type Level = "warn" | "error";

interface Entry {
  readonly level: Level;
  readonly message: string;
  facts: object;
  /** Said and not written since. */
  count: number;
  readonly sinceMs: number;
}

/** The log; `passTime` is to be called every few seconds. */
export class SparingLog implements Log {
  readonly #log: Log;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #variants = new Map<string, number>();
  #joined = 0;

  /** `nowMs` is a clock that only goes forward. */
  constructor(log: Log, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Lines that were not written by themselves, so far. */
  get joined(): number {
    return this.#joined;
  }

  info(facts: object, message: string): void {
    this.#log.info(facts, message);
  }

  warn(facts: object, message: string): void {
    this.#say("warn", facts, message);
  }

  error(facts: object, message: string): void {
    this.#say("error", facts, message);
  }

  /** Writes what has been counted for long enough. */
  passTime(): void {
    const now = this.#nowMs();
    for (const [key, entry] of this.#entries) {
      if (now - entry.sinceMs < WINDOW_MS) continue;
      this.#entries.delete(key);
      const left = (this.#variants.get(entry.message) ?? 1) - 1;
      if (left > 0) this.#variants.set(entry.message, left);
      else this.#variants.delete(entry.message);
      if (entry.count === 0) continue;
      // What goes on begins its next minute with this line.
      this.#log[entry.level]({ ...entry.facts, times: entry.count, within_ms: now - entry.sinceMs }, entry.message);
      this.#begin(key, { ...entry, count: 0, sinceMs: now });
    }
  }

  #say(level: Level, facts: object, message: string): void {
    const own = `${message}\0${factsOf(facts)}`;
    const isCrowded = !this.#entries.has(own) && (this.#variants.get(message) ?? 0) >= VARIANTS_MAX;
    const key = isCrowded ? message : own;
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      entry.count += 1;
      entry.facts = facts;
      this.#joined += 1;
      return;
    }
    this.#log[level](facts, message);
    this.#begin(key, { level, message, facts, count: 0, sinceMs: this.#nowMs() });
  }

  #begin(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#variants.set(entry.message, (this.#variants.get(entry.message) ?? 0) + 1);
  }
}

/** What tells two of the same sentence apart: the facts, and of an error its words. */
function factsOf(facts: object): string {
  const text = JSON.stringify(facts, (_, value: unknown) => {
    if (value instanceof Error) return value.message;
    return typeof value === "bigint" ? String(value) : value;
  });
  return text.slice(0, FACTS_LENGTH);
}
