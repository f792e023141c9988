/** The host's monotonic clock, and chance. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Chance, Clock } from "../ports.ts";

/** Timers of Node overflow beyond this, in milliseconds. */
const TIMER_MS_MAX = 2_147_483_647;

/** CLOCK_MONOTONIC: the same for all processes of one boot. */
export const monotonicClock: Clock = {
  nowMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  async wait(waitMs, signal) {
    try {
      await sleep(Math.min(Math.max(waitMs, 0), TIMER_MS_MAX), undefined, signal && { signal });
    } catch (error) {
      // Being woken early is an end of the wait like any other.
      if (signal?.aborted !== true) throw error;
    }
  },
};

/** The system's randomness. */
export const systemChance: Chance = { roll: () => Math.random(), freshId: () => randomUUID() };
