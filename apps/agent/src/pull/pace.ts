/**
 * How fast a pull may be: a token bucket that all its tries share, so that what a stall left unused is not made up for
 * in a burst on the owner's line.
 */
import type { Clock } from "../ports.ts";

/** Keeps a pull to its rate. */
export interface Pace {
  /** To be called for bytes that came; resolves when more may come. */
  readonly spend: (bytes: number, signal: AbortSignal) => Promise<void>;
}

/** So much of a second's bytes may come at once: less makes many small waits, more is felt by whoever shares the line. */
const BURST_S = 0.1;

/** The pace for `rateMaxBytesPerS`; 0 is no limit. */
export function createPace(rateMaxBytesPerS: number, clock: Clock): Pace {
  if (rateMaxBytesPerS === 0) return { spend: async () => {} };
  const burstBytes = rateMaxBytesPerS * BURST_S;
  /** Bytes that may come now; below zero where too many came, and then it is waited for. */
  let allowedBytes = burstBytes;
  let atMs = clock.nowMs();
  return {
    async spend(bytes, signal) {
      const nowMs = clock.nowMs();
      allowedBytes = Math.min(burstBytes, allowedBytes + ((nowMs - atMs) / 1000) * rateMaxBytesPerS) - bytes;
      atMs = nowMs;
      if (allowedBytes < 0) await clock.wait((-allowedBytes / rateMaxBytesPerS) * 1000, signal);
    },
  };
}
