/** Demand, capacity and leaves of a fleet over time, as an SVG. */
import type { Policy } from "../engine/controller.ts";
import { Engine } from "../engine/engine.ts";
import type { WorldOptions } from "../world/options.ts";
import { buildWorld } from "../world/world.ts";

/** What is plotted, minute by minute from the start. */
export interface Series {
  readonly policy: string;
  readonly startHour: number;
  readonly demand: readonly number[];
  readonly serving: readonly number[];
  /** Capacity that would serve without leaves. */
  readonly upAll: readonly number[];
  readonly away: readonly number[];
}

const SIZE = { width: 960, height: 420, left: 60, right: 20, top: 40, bottom: 40 };
/** At most so many points a line: more than a screen shows are of no use. */
const POINTS_MAX = 900;

/** Runs a policy in a world and writes down what happens in each minute. */
export function recordSeries(policy: Policy, options: WorldOptions): Series {
  const world = buildWorld(options);
  const engine = new Engine(world, policy);
  const demand: number[] = [];
  const serving: number[] = [];
  const upAll: number[] = [];
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  engine.run(world.startMinute, false);
  for (let minute = world.startMinute; minute < world.minutes; minute += 1) {
    demand.push(world.demand.reduce((total, pool) => total + (pool[minute] as number), 0));
    serving.push(sum(engine.serving));
    upAll.push(sum(engine.upAll));
    engine.run(minute + 1, true);
    // An hour after the last return there is nothing more to see.
    if (engine.doneCount === world.fleet.nodes) break;
  }
  const away = [...engine.referee.awayByMinute.subarray(world.startMinute, world.startMinute + demand.length)];
  return { policy: policy.name, startHour: options.startHour, demand, serving, upAll, away };
}

/** Draws the series. */
export function svgOf(series: Series): string {
  const minutes = series.demand.length;
  const units = Math.max(...series.upAll, ...series.demand) * 1.05;
  const awayMost = Math.max(1, ...series.away) * 4;
  const x = (minute: number): number =>
    SIZE.left + (minute / Math.max(1, minutes - 1)) * (SIZE.width - SIZE.left - SIZE.right);
  const y = (share: number): number => SIZE.height - SIZE.bottom - share * (SIZE.height - SIZE.top - SIZE.bottom);
  const line = (values: readonly number[], most: number): string => {
    const step = Math.max(1, Math.ceil(values.length / POINTS_MAX));
    return values
      .map((value, minute) => ({ value, minute }))
      .filter(({ minute }) => minute % step === 0 || minute === values.length - 1)
      .map(({ value, minute }) => `${x(minute).toFixed(1)},${y(value / most).toFixed(1)}`)
      .join(" ");
  };
  const base = y(0).toFixed(1);
  const everyHours = Math.max(1, Math.ceil(minutes / 60 / 12));
  const hours = Array.from({ length: Math.floor(minutes / 60 / everyHours) + 1 }, (_, index) => index * everyHours);
  const ticks = hours.map((hour) => {
    const at = x(hour * 60).toFixed(1);
    const label = `${String((series.startHour + hour) % 24).padStart(2, "0")}:00`;
    return (
      `<line x1="${at}" y1="${SIZE.top}" x2="${at}" y2="${base}" stroke="#eee"/>` +
      `<text x="${at}" y="${SIZE.height - 20}" text-anchor="middle">${label}</text>`
    );
  });
  const stroke = (values: readonly number[], colour: string, width: number): string =>
    `<polyline fill="none" stroke="${colour}" stroke-width="${width}" points="${line(values, units)}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${SIZE.left}" y="20" font-size="14">${series.policy}: demand, capacity and leaves</text>
${ticks.join("\n")}
<polygon fill="#f4b942" fill-opacity="0.5" points="${SIZE.left},${base} ${line(series.away, awayMost)} ${x(minutes - 1).toFixed(1)},${base}"/>
${stroke(series.upAll, "#9bb", 1)}
${stroke(series.serving, "#1c6e8c", 1.5)}
${stroke(series.demand, "#c03221", 1.5)}
<text x="${SIZE.width - SIZE.right}" y="20" text-anchor="end"><tspan fill="#9bb">up without leaves</tspan>  <tspan fill="#1c6e8c">serving</tspan>  <tspan fill="#c03221">demand</tspan>  <tspan fill="#c98a00">nodes away (at most ${Math.max(...series.away)})</tspan></text>
<text x="${SIZE.left - 6}" y="${y(1 / 1.05).toFixed(1)}" text-anchor="end">${Math.round(units / 1.05)}</text>
<text x="${SIZE.left - 6}" y="${base}" text-anchor="end">0</text>
</svg>
`;
}
