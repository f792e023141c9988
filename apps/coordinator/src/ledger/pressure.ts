/**
 * Watches how much waits, and refuses what is too much by the rule of `shedding.ts`. It knows queues and timers, and nothing
 * of what calls say.
 */
import type { Clock, Log } from "../ports.ts";
import { type Load, RANKS, type Rank, type Shed, isShed, retryAfterMs, shedNext } from "./shedding.ts";

/** More comes than can be decided. The caller may come again after a time. */
export class Overloaded extends Error {
  override readonly name = "Overloaded";
  readonly retryAfterMs: number;

  constructor(rank: Rank, afterMs: number) {
    super(`more comes than can be decided; ${WORDS[rank]} must wait`);
    this.retryAfterMs = afterMs;
  }
}

const WORDS: Readonly<Record<Rank, string>> = {
  PULSE: "pulses",
  ASK: "asks",
  LEAVE: "requests for leave",
  STEP: "all calls",
};

/** A queue whose length and age count. */
export interface Queue {
  /** Moves that wait, and since when the oldest does; undefined where none does. */
  readonly queue: { readonly moves: number; readonly sinceMs: number | undefined };
}

/** What it works with. */
export interface PressureParts {
  readonly queue: Queue;
  /** The queue's own: one that never leaps, because a clock that leaps is no overload. */
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1, below 1. It only spreads retries. */
  readonly chance: () => number;
  /** Time between two beats, in milliseconds. */
  readonly beatMs: number;
  /** Told of each call that is refused. */
  readonly onRefused?: (rank: Rank) => void;
}

/** So many beats in a row must be late before it counts: a second of them. */
const WINDOW_MS = 1_000;

/** For so long after something was refused a queue that is long at once is refused like one that stands. */
const GUARDED_MS = 20_000;

/** Between two lines about it. */
const TELL_MS = 5_000;

/** The watch. */
export class Pressure {
  readonly #parts: PressureParts;
  /** Of the last beats: how late they came, and how many moves waited then. */
  readonly #late: number[] = [];
  readonly #waited: number[] = [];
  #beatAtMs: number | undefined;
  #lateMs = 0;
  #standing = 0;
  #shed: Shed = 0;
  #shedAtMs = Number.NEGATIVE_INFINITY;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  readonly #refused = new Map<Rank, number>();

  constructor(parts: PressureParts) {
    this.#parts = parts;
  }

  /** To be called by a timer every `beatMs`: how late it comes is how long calls stand in line. */
  beat(): void {
    const { clock, beatMs, log } = this.#parts;
    const now = clock.now();
    if (this.#beatAtMs !== undefined) this.#late.push(Math.max(0, now - this.#beatAtMs - beatMs));
    this.#beatAtMs = now;
    this.#waited.push(this.#parts.queue.queue.moves);
    const beats = Math.ceil(WINDOW_MS / beatMs);
    this.#lateMs = leastOf(this.#late, beats);
    this.#standing = leastOf(this.#waited, beats);
    const load = this.#look();
    if (this.#refused.size === 0 || now - this.#toldAtMs < TELL_MS) return;
    const refused = Object.fromEntries(this.#refused);
    log.warn({ ...load, ranks: RANKS.slice(0, this.#shed), refused }, "more came than could be decided");
    this.#toldAtMs = now;
    this.#refused.clear();
  }

  /** Whether a call of that rank is refused now. */
  refuses(rank: Rank): boolean {
    this.#look();
    return isShed(this.#shed, rank);
  }

  /** Lets a call of that rank in. Throws Overloaded. */
  admit(rank: Rank): void {
    if (!this.refuses(rank)) return;
    this.count(rank);
    throw new Overloaded(rank, retryAfterMs(rank, this.#parts.chance()));
  }

  /** Counts one of that rank that was refused by whoever asked whether it is. */
  count(rank: Rank): void {
    this.#refused.set(rank, (this.#refused.get(rank) ?? 0) + 1);
    this.#parts.onRefused?.(rank);
  }

  #look(): Load {
    const { queue, clock } = this.#parts;
    const { moves, sinceMs } = queue.queue;
    const now = clock.now();
    const oldestWaitMs = sinceMs === undefined ? 0 : Math.max(0, now - sinceMs);
    // A queue that has drained since the last beat stands no more. While refused callers come back no burst is a surprise.
    const isGuarded = now - this.#shedAtMs < GUARDED_MS;
    const standing = isGuarded ? moves : Math.min(this.#standing, moves);
    const load = { waiting: moves, standing, oldestWaitMs, lateMs: this.#lateMs };
    this.#shed = shedNext(this.#shed, load);
    if (this.#shed > 0) this.#shedAtMs = now;
    return load;
  }
}

/** The least of the last `count`; 0 as long as there are fewer. Forgets the others. */
function leastOf(values: number[], count: number): number {
  if (values.length > count) values.shift();
  return values.length < count ? 0 : Math.min(...values);
}
