/** What the process says of itself: CPU, memory, descriptors, the event loop, garbage collection. Linux where it matters. */
import { readdirSync } from "node:fs";
import {
  PerformanceObserver,
  type PerformanceEntry,
  constants,
  createHistogram,
  monitorEventLoopDelay,
  performance,
} from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import { boundsOf } from "./catalogue.ts";
import { Distribution } from "./distribution.ts";
import type { Reading, Spread } from "./readings.ts";

/** The event loop's delay is sampled so often, in milliseconds. */
const RESOLUTION_MS = 10;
const NANOSECONDS = 1_000_000_000;
const MICROSECONDS = 1_000_000;

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

/** Looks at the process. */
export interface ProcessWatch {
  readonly readings: () => readonly Reading[];
  readonly spreads: () => readonly Spread[];
  readonly close: () => void;
}

/** Begins to look. */
export function watchProcess(): ProcessWatch {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const gc = new Map<string, Distribution>();
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { readonly detail?: { readonly kind?: number } })[]) {
      const kind = GC_KINDS.get(entry.detail?.kind ?? 0);
      if (kind === undefined) continue;
      const values = gc.get(kind) ?? new Distribution(boundsOf("v8js.gc.duration"));
      values.add(entry.duration / 1_000);
      gc.set(kind, values);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  let seen = performance.eventLoopUtilization();
  return {
    readings() {
      const cpu = process.cpuUsage();
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, seen);
      seen = now;
      // A loop that was never sampled says NaN and what it began with.
      const sampled = delay.count > 0 ? delay : createHistogram();
      // The sampling timer itself takes its resolution: what is more is delay.
      const seconds = (nanoseconds: number): number =>
        delay.count === 0 ? 0 : Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1_000);
      const found: Reading[] = [
        { name: "process.cpu.time", value: cpu.user / MICROSECONDS, attributes: { "cpu.mode": "user" } },
        { name: "process.cpu.time", value: cpu.system / MICROSECONDS, attributes: { "cpu.mode": "system" } },
        { name: "process.memory.usage", value: process.memoryUsage.rss(), attributes: {} },
        { name: "process.uptime", value: process.uptime(), attributes: {} },
        { name: "nodejs.eventloop.delay.min", value: seconds(sampled.min), attributes: {} },
        { name: "nodejs.eventloop.delay.max", value: seconds(sampled.max), attributes: {} },
        { name: "nodejs.eventloop.delay.mean", value: seconds(sampled.mean), attributes: {} },
        {
          name: "nodejs.eventloop.delay.stddev",
          value: delay.count === 0 ? 0 : sampled.stddev / NANOSECONDS,
          attributes: {},
        },
        { name: "nodejs.eventloop.delay.p50", value: seconds(sampled.percentile(50)), attributes: {} },
        { name: "nodejs.eventloop.delay.p90", value: seconds(sampled.percentile(90)), attributes: {} },
        { name: "nodejs.eventloop.delay.p99", value: seconds(sampled.percentile(99)), attributes: {} },
        { name: "nodejs.eventloop.utilization", value: utilization, attributes: {} },
      ];
      delay.reset();
      const descriptors = countDescriptors();
      if (descriptors !== undefined) {
        found.push({ name: "process.unix.file_descriptor.count", value: descriptors, attributes: {} });
      }
      for (const { space_name: space, space_used_size: value } of getHeapSpaceStatistics()) {
        found.push({ name: "v8js.memory.heap.used", value, attributes: { "v8js.heap.space.name": space } });
      }
      return found;
    },
    spreads: () =>
      [...gc].map(([kind, values]) => ({ name: "v8js.gc.duration", values, attributes: { "v8js.gc.type": kind } })),
    close() {
      delay.disable();
      observer.disconnect();
    },
  };
}

/** Undefined where the system does not say. */
function countDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    // There is no /proc on other systems, and nothing is wrong with that.
    return undefined;
  }
}
