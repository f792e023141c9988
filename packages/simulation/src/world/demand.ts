/** What is asked of each pool, minute by minute, in units of work a second. */
import { STREAM, normal, uniform } from "../random.ts";
import type { Fleet } from "./fleet.ts";
import { DAY_MINUTES, type Tightness, type WorldOptions } from "./options.ts";
import { upShare } from "./sessions.ts";
import { type Trace, valueAt } from "./trace.ts";

/** Peak demand as a share of mean up capacity, drawn evenly for each pool. */
const UTILISATION: Record<Tightness, { readonly least: number; readonly most: number }> = {
  tight: { least: 0.88, most: 0.98 },
  mixed: { least: 0.6, most: 0.96 },
  loose: { least: 0.5, most: 0.7 },
};
/** The day peaks at 20:00, give or take 90 minutes. */
const PEAK = { minute: 20 * 60, jitter: 90 };
/** Noise from minute to minute: x ← 0.98 x + 0.006 normal. */
const NOISE = { keep: 0.98, step: 0.006 };

/** Demand of pool p in minute m is series[p][m]. */
export function buildDemand(options: WorldOptions, fleet: Fleet, minutes: number): readonly Float64Array[] {
  const replayed = options.demand === undefined ? undefined : scaled(options, options.demand, minutes);
  return Array.from({ length: fleet.pools }, (_, pool) => {
    const range = UTILISATION[options.tightness];
    const drawn = uniform(options.seed, STREAM.utilisation, pool + fleet.poolOffset);
    const peak = (range.least + drawn * (range.most - range.least)) * meanUpCapacity(options, fleet, pool);
    return replayed === undefined
      ? syntheticDays(options, pool + fleet.poolOffset, peak, minutes)
      : replayed.map((share) => share * peak);
  });
}

/** Capacity of a pool that is up on average. */
export function meanUpCapacity(options: WorldOptions, fleet: Fleet, pool: number): number {
  let sum = 0;
  for (let node = fleet.firstOf[pool] as number; node < (fleet.firstOf[pool + 1] as number); node += 1) {
    const share = options.availability === undefined ? upShare(fleet.stable[node] === 1) : 1;
    sum += (fleet.capacity[node] as number) * share;
  }
  return sum;
}

function syntheticDays({ seed, startHour }: WorldOptions, pool: number, peak: number, minutes: number): Float64Array {
  const peakMinute = PEAK.minute + (uniform(seed, STREAM.peak, pool) * 2 - 1) * PEAK.jitter;
  const series = new Float64Array(minutes);
  let noise = normal(seed, STREAM.noise, pool, 0) * (NOISE.step / Math.sqrt(1 - NOISE.keep ** 2));
  for (let minute = 0; minute < minutes; minute += 1) {
    const x = ((startHour * 60 + minute - peakMinute) * 2 * Math.PI) / DAY_MINUTES;
    const shape = 0.68 + 0.27 * Math.cos(x) + 0.05 * Math.cos(2 * x);
    series[minute] = Math.max(0, peak * shape * (1 + noise));
    noise = NOISE.keep * noise + NOISE.step * normal(seed, STREAM.noise, pool, minute + 1);
  }
  return series;
}

/** A window of a replayed series, its history before it, scaled so that the highest minute of the rollout is 1. */
function scaled(
  options: WorldOptions,
  { trace, startMinute }: { readonly trace: Trace; readonly startMinute: number },
  minutes: number,
): Float64Array {
  const before = options.historyDays * DAY_MINUTES;
  const series = Float64Array.from({ length: minutes }, (_, minute) => valueAt(trace, startMinute - before + minute));
  const peak = Math.max(...series.subarray(before), Number.MIN_VALUE);
  return series.map((value) => value / peak);
}
