/** The scoreboard as text. */
import type { Row } from "../score/row.ts";
import type { Scoreboard } from "../score/scoreboard.ts";
import type { WorldOptions } from "../world/options.ts";

const HEAD = ["policy", "t50 h", "t90 h", "t99 h", "violations", "by", "lost work", "worst", "away", "asks", "refused"];

/** The table, with the world above and the bound below it. */
export function tableOf(worlds: readonly WorldOptions[], board: Scoreboard): string {
  const [first] = worlds;
  const rows = [HEAD, ...board.rows.map((row) => cellsOf(row))];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  const world =
    first === undefined
      ? ""
      : `${first.nodes} nodes in ${first.pools} pools, ${first.tightness}, from ${first.startHour}:00, ${first.days} days, ` +
        `prepare ${first.prepare ? "on" : "off"}, ${worlds.length} ${worlds.length === 1 ? "world" : "worlds"}`;
  const counts = board.worldCounts
    ? "every world trips load-aware"
    : "NOT every world trips load-aware: too easy to count";
  const bound = `lower bound T*: t90 ${hours(board.boundT90H)} h, t99 ${hours(board.boundT99H)} h; ${counts}`;
  return `${[world, "", ...lines, "", bound].join("\n")}\n`;
}

/** The world of a scoreboard as plain values. */
export function worldJson(worlds: readonly WorldOptions[]): Record<string, unknown> {
  const [first] = worlds;
  if (first === undefined) return {};
  const { demand, availability, seed: _, ...plain } = first;
  return {
    ...plain,
    seeds: worlds.map((world) => world.seed),
    ...(demand === undefined ? {} : { windowStartMinutes: worlds.map((world) => world.demand?.startMinute) }),
    ...(availability === undefined ? {} : { availabilityRows: availability.length }),
  };
}

function cellsOf(row: Row): readonly string[] {
  const by = Object.entries(row.violationsBy).filter(([, count]) => count > 0);
  return [
    row.policy,
    hours(row.t50H),
    hours(row.t90H),
    hours(row.t99H),
    short(row.violations),
    by.length === 0 ? "-" : by.map(([cause, count]) => `${cause} ${short(count)}`).join(", "),
    short(row.lostWork),
    `${row.worstShortfallPct.toFixed(1)} %`,
    short(row.awayMax),
    short(row.asks),
    short(row.refusals),
  ];
}

function hours(value: number | null): string {
  return value === null ? "never" : value.toFixed(2);
}

function short(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(value < 10 ? 2 : 0);
}
