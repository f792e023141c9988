/** Overrides of gate 3 for people. */
import type { Override } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderTable } from "../output/table.ts";
import { formatNumber, printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** One line an override. */
export function overrideTable(overrides: readonly Override[], style: Style, nowMs: number): string {
  const rows = overrides.map((override): readonly Cell[] => [
    printable(idOf(override.name)),
    printable(idOf(override.pool)),
    override.nodes.length === 0 ? "all" : printable(override.nodes.map(idOf).join(" ")),
    formatNumber(override.deficitMaxRps),
    override.allowShardAndDomain ? { text: "also open", tone: "warning" } : "kept",
    relative(override.expireTime, nowMs),
    printable(override.reason),
  ]);
  const head = ["OVERRIDE", "POOL", "NODES", "DEFICIT (RPS)", "SHARDS AND DOMAINS", "ENDS", "REASON"];
  return renderTable({ head, rows }, style, "No overrides.");
}
