/** Pools for people. */
import type { Pool } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderTable } from "../output/table.ts";
import { formatNumber, printable } from "../output/text.ts";

/** One line a pool. What is spare is what may still leave. */
export function poolTable(pools: readonly Pool[], style: Style): string {
  const rows = pools.map((pool): readonly Cell[] => {
    const spare = pool.capacityFreshRps - pool.needRps;
    return [
      printable(idOf(pool.name)),
      String(pool.nodes),
      formatNumber(pool.capacityFreshRps),
      formatNumber(pool.demandRps),
      formatNumber(pool.needRps),
      { text: formatNumber(spare), tone: spare < 0 ? "bad" : "good" },
      String(pool.onLeave),
    ];
  });
  const head = ["POOL", "NODES", "CAPACITY (RPS)", "DEMAND", "NEED", "SPARE", "ON LEAVE"];
  return renderTable({ head, rows }, style, "No pools. Devices join one with a token: moult token create");
}
