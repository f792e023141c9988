/** The fleet in numbers: a frame for a terminal, and a line for everything else. */
import type { WatchFleetResponse } from "@moult/contracts/v1";
import type { Style } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { poolTable } from "./pool.ts";

/** A frame that is drawn over the one before. */
export function fleetFrame(fleet: WatchFleetResponse, style: Style): string {
  const versions = Object.entries(fleet.nodesByVersion).toSorted(byName);
  const total = versions.reduce((sum, [, count]) => sum + count, 0);
  const rows = versions.map(([version, count]): readonly Cell[] => [
    version === "" ? "unknown" : printable(version),
    String(count),
    { text: bar(count, total), tone: "good" },
  ]);
  const counts = renderPairs(
    [
      ["states", enumCounts(fleet.nodesByState)],
      ["moves", `${fleet.committed} committed, ${fleet.reverted} reverted, ${fleet.lost} lost`],
      ["refused", enumCounts(fleet.refusalsByGate)],
    ],
    style,
  );
  const head = ["VERSION", "NODES", ""];
  return [renderTable({ head, rows }, style, "No nodes."), poolTable(fleet.pools, style), counts].join("\n");
}

/** The same in one line. */
export function fleetLine(fleet: WatchFleetResponse): string {
  const moves = `committed ${fleet.committed}, reverted ${fleet.reverted}, lost ${fleet.lost}`;
  const onLeave = fleet.pools.reduce((sum, pool) => sum + pool.onLeave, 0);
  return [
    `versions: ${versionCounts(fleet.nodesByVersion)}`,
    `states: ${enumCounts(fleet.nodesByState)}`,
    `on leave ${onLeave}`,
    moves,
    `refused: ${enumCounts(fleet.refusalsByGate)}`,
  ].join(" | ");
}

type Counts = Readonly<Record<string, number | bigint>>;

/** `serving 10, away 2`: keyed by the name of an enum, with or without the prefix it carries on the wire. */
function enumCounts(counts: Counts): string {
  return countsText(counts, (name) => name.replace(/^(?:NODE_STATE|GATE)_/, "").toLowerCase());
}

/** `1.0.0 10, 2.0.0 2`. */
function versionCounts(counts: Counts): string {
  return countsText(counts, (name) => (name === "" ? "unknown" : name));
}

function countsText(counts: Counts, wordOf: (name: string) => string): string {
  const texts = Object.entries(counts)
    .toSorted(byName)
    .map(([name, count]) => `${printable(wordOf(name))} ${count}`);
  return texts.length === 0 ? "none" : texts.join(", ");
}

/** As wide as leaves room for the rest on 80 columns. */
const BAR_WIDTH = 40;

function bar(count: number, total: number): string {
  return "█".repeat(total === 0 ? 0 : Math.max(1, Math.round((count / total) * BAR_WIDTH)));
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
