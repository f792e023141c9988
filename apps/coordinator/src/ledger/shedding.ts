/**
 * What is refused when more comes than can be decided: pulses first, then asks, then requests for leave, and last of all the
 * steps of an absence that has begun, because a node that may not come back is worse than one that may not leave. Pure: it
 * takes how long the queue is and answers how many ranks are refused, and when a refused caller may come again.
 */

/** What calls there are, the first to be refused first. */
export const RANKS = ["PULSE", "ASK", "LEAVE", "STEP"] as const;
export type Rank = (typeof RANKS)[number];

/** How things stand. */
export interface Load {
  /** Moves that wait to be durable. */
  readonly waiting: number;
  /** How many have waited at every moment of the last second, at the least. */
  readonly standing: number;
  /** How long the oldest of them has waited. */
  readonly oldestWaitMs: number;
  /**
   * How late the process has come to its timers, at the least, for the last second: how long a call has stood in line before
   * anybody looked at it. A single stop, as of a disk or a collector, is not more than can be decided.
   */
  readonly lateMs: number;
}

/** How many of the ranks are refused: 0 none, 4 all. */
export type Shed = 0 | 1 | 2 | 3 | 4;

/**
 * From where on each rank is refused. A queue that never gets shorter than this for a second is one that does not drain: at
 * 5,000 moves a second 600 of them are a wait of 120 ms, and 256 callers who each wait for their answer are no overload. A
 * burst may be longer for a moment; a waiting move is some 3 kB, so the last number keeps the queue below 60 MB. How long the
 * oldest waits shows a disk that stands still, which a busy machine's does for a second now and then; callers give up after
 * 10 s, so nobody stands in line longer than that for nothing.
 */
const LIMITS: readonly Load[] = [
  { waiting: 5_000, standing: 400, oldestWaitMs: 3_000, lateMs: 500 },
  { waiting: 10_000, standing: 600, oldestWaitMs: 5_000, lateMs: 1_000 },
  { waiting: 15_000, standing: 1_000, oldestWaitMs: 7_000, lateMs: 2_000 },
  { waiting: 20_000, standing: 20_000, oldestWaitMs: 9_000, lateMs: 4_000 },
];

/** A rank is let in again below this share of its limit, so that the answer does not flicker. */
const AGAIN_RATIO = 0.75;

/** Between these a refused caller is told to come again, by rank: far enough apart that they do not come together. */
const RETRY_MS: Readonly<Record<Rank, { readonly least: number; readonly most: number }>> = {
  PULSE: { least: 5_000, most: 30_000 },
  ASK: { least: 2_000, most: 20_000 },
  LEAVE: { least: 1_000, most: 5_000 },
  STEP: { least: 500, most: 2_000 },
};

/** How many ranks are refused from now on. */
export function shedNext(shed: Shed, load: Load): Shed {
  let next: Shed = 0;
  for (const [rank, limit] of LIMITS.entries()) {
    const ratio = rank < shed ? AGAIN_RATIO : 1;
    if (isOver(load, limit, ratio)) next = (rank + 1) as Shed;
  }
  return next;
}

function isOver(load: Load, limit: Load, ratio: number): boolean {
  return (
    load.waiting >= limit.waiting * ratio ||
    load.standing >= limit.standing * ratio ||
    load.oldestWaitMs >= limit.oldestWaitMs * ratio ||
    load.lateMs >= limit.lateMs * ratio
  );
}

/** Whether a call is refused. */
export function isShed(shed: Shed, rank: Rank): boolean {
  return RANKS.indexOf(rank) < shed;
}

/** When a refused caller may come again; `chance` is from 0 to 1, below 1. */
export function retryAfterMs(rank: Rank, chance: number): number {
  const { least, most } = RETRY_MS[rank];
  return Math.floor(least + chance * (most - least));
}
