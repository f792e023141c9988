/**
 * Preloaded into a measured server: how long its event loop was held up, and what its memory holds, as one line of JSON for
 * each second. The server knows nothing of it. A pause is what a timer of one millisecond is late by. On a machine that others
 * use as well most of that is waiting for a processor, so the processor time that the thread itself used between two turns
 * of a timer stands beside it: that is what the server would hold up its callers by with a core of its own.
 */
import { appendFileSync } from "node:fs";
import { PerformanceObserver, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/** One second of a server's life. */
export interface Second {
  /** Milliseconds since its process began. */
  readonly atMs: number;
  /** The longest pause, and the one that 1 % of the timers exceeded. */
  readonly maxMs: number;
  readonly p99Ms: number;
  /** The most processor time between two turns of a timer of two milliseconds. */
  readonly busyMaxMs: number;
  /** The collector's longest stop. */
  readonly gcMaxMs: number;
  readonly heapMB: number;
  readonly externalMB: number;
  readonly rssMB: number;
}

/** Where the lines go. */
export const PAUSES_FILE = "BENCH_PAUSES_FILE";

const NS_A_MS = 1_000_000;
const MIB = 1_048_576;
const SECOND_MS = 1_000;
const TURN_MS = 2;
const US_A_MS = 1_000;

function watch(file: string): void {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let gcMaxMs = 0;
  let busyMaxMs = 0;
  let usedUs = 0;
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage();
    if (usedUs > 0) busyMaxMs = Math.max(busyMaxMs, (user + system - usedUs) / US_A_MS);
    usedUs = user + system;
  };
  setInterval(turn, TURN_MS).unref();
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcMaxMs = Math.max(gcMaxMs, duration);
  }).observe({ entryTypes: ["gc"] });
  const tell = (): void => {
    const { heapUsed, external, rss } = process.memoryUsage();
    const second: Second = {
      atMs: Math.round(performance.now()),
      maxMs: Math.round(delay.max / NS_A_MS),
      p99Ms: Math.round(delay.percentile(99) / NS_A_MS),
      busyMaxMs: Math.round(busyMaxMs),
      gcMaxMs: Math.round(gcMaxMs),
      heapMB: Math.round(heapUsed / MIB),
      externalMB: Math.round(external / MIB),
      rssMB: Math.round(rss / MIB),
    };
    delay.reset();
    gcMaxMs = 0;
    busyMaxMs = 0;
    appendFileSync(file, `${JSON.stringify(second)}\n`);
  };
  setInterval(tell, SECOND_MS).unref();
}

const file = process.env[PAUSES_FILE];
if (file !== undefined && isMainThread) watch(file);
