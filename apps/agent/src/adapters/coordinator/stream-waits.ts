/** How long a device waits before it opens its stream: full jitter, so that a fleet which lost its coordinator returns spread. Pure. */

/** What the waits go by. */
export interface StreamWaitSettings {
  /** The first stream after a start comes within this time, uniformly; as does the first pulse. */
  readonly pulseIntervalMs: number;
  /** After a stream that held, the next comes within this time, uniformly. */
  readonly reconnectMaxMs: number;
}

/** The window doubles with each failure up to this many times the first. Nothing depends on a stream. */
const WINDOWS_MAX = 10;

/** A coordinator's wish for a later return is honoured up to this, in milliseconds. */
const RECONNECT_WITHIN_MS_MAX = 300_000;

/** Before the first stream of a start. */
export function firstStreamWait(settings: StreamWaitSettings, roll: number): number {
  return roll * settings.pulseIntervalMs;
}

/** Before the next stream: `failures` in a row so far, 0 after one that held; `wishedMs` is what a drain notice said. */
export function nextStreamWait(
  settings: StreamWaitSettings,
  failures: number,
  wishedMs: number | undefined,
  roll: number,
): number {
  if (wishedMs !== undefined) return roll * Math.min(wishedMs, RECONNECT_WITHIN_MS_MAX);
  // Beyond four doublings the limit has been passed.
  return roll * settings.reconnectMaxMs * Math.min(WINDOWS_MAX, 2 ** Math.min(failures, 4));
}
