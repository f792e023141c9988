/** How long to wait, everywhere with chance in it, so that many devices never act as one. Pure. */
import type { At } from "./at.ts";

/** A coordinator cannot send a device to sleep for longer than a day. */
const RETRY_AFTER_MS_MAX = 86_400_000;

/** A coordinator that says "ask again at once" is not asked in a tight loop. */
const RETRY_AFTER_MS_MIN = 250;

/** Beyond 2^16 times the first wait every limit has been reached. */
const DOUBLINGS_MAX = 16;

/** When to ask first after a start: anywhere in the window, so that a mass restart arrives flat. */
export function firstWake({ nowMs, roll, tunables }: At): number {
  return nowMs + roll * tunables.firstAskWithinMs;
}

/** The beat of a start: anywhere within an interval. */
export function beatOf({ nowMs, roll, tunables }: At): number {
  return nowMs + roll * tunables.wakeIntervalMs;
}

/**
 * When to ask after an ask that nobody answered. Not sooner than after one that was: then an outage changes nothing in when
 * a fleet asks, and its return meets no crowd. Before the first answer since the start that is the next beat, because a
 * fleet that starts at once has nothing else that keeps it spread.
 */
export function wakeAfterSilence(at: At, beatMs: number | undefined): number {
  const { nowMs, tunables } = at;
  const { wakeIntervalMs } = tunables;
  if (beatMs === undefined) return wakeAfterStay(at, wakeIntervalMs);
  return beatMs + (Math.floor((nowMs - beatMs) / wakeIntervalMs) + 1) * wakeIntervalMs;
}

/** When to ask next: half to one and a half intervals from now. */
export function nextWake({ nowMs, roll, tunables }: At): number {
  return nowMs + (0.5 + roll) * tunables.wakeIntervalMs;
}

/** When to ask after a "no": no sooner than was said, spread over a fifth more, and within a day. */
export function wakeAfterStay(at: At, retryAfterMs: number): number {
  if (retryAfterMs <= 0) return nextWake(at);
  const waitMs = Math.max(retryAfterMs, RETRY_AFTER_MS_MIN) * (1 + 0.2 * at.roll);
  return at.nowMs + Math.min(waitMs, RETRY_AFTER_MS_MAX);
}

/** When to ask after a nudge. */
export function wakeAfterNudge({ nowMs, roll, tunables }: At): number {
  return nowMs + roll * tunables.nudgeJitterMs;
}

/** When to repeat a failed call: full jitter over a window that doubles with each attempt. */
export function retryAt(
  { nowMs, roll, tunables }: At,
  attempts: number,
  maxMs: number = tunables.reconnectMaxMs,
): number {
  const window = Math.min(maxMs, tunables.reconnectMinMs * 2 ** Math.min(attempts, DOUBLINGS_MAX));
  return nowMs + roll * window;
}

/**
 * When to ask after a failure: as ever, or sooner where the build may be tried again sooner. Not later: the next release
 * may be the one that mends what failed, and it must not wait behind this one.
 */
export function wakeAfterSetback(at: At, notBeforeMs: number): number {
  return Math.min(nextWake(at), Math.max(notBeforeMs, at.nowMs));
}

/** When a build that failed may be tried again: three quarters to all of a wait that doubles with each failure. */
export function setbackEnd({ nowMs, roll, tunables }: At, count: number): number {
  const wait = tunables.failureBackoffMs * 2 ** Math.min(count - 1, DOUBLINGS_MAX);
  return nowMs + (0.75 + 0.25 * roll) * Math.min(wait, tunables.failureBackoffMaxMs);
}
