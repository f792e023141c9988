/** The coordinators for people. */
import type { GetStatusResponse } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { printable } from "../output/text.ts";

/** The store and the log; then, where coordinators share the store, each of them, and each pool's epoch. */
export function coordinatorDetail({ store, replicas, pools, sequencer }: GetStatusResponse, style: Style): string {
  const health: Cell =
    store?.healthy === true
      ? { text: `${printable(store.engine)}, answers`, tone: "good" }
      : { text: printable(store?.message ?? "no word of it"), tone: "bad" };
  const log =
    sequencer === undefined
      ? "-"
      : `${sequencer.size} leaves in their place, ${sequencer.signedSize} signed for, epoch ${sequencer.epoch}`;
  const parts = [
    renderPairs(
      [
        ["store", health],
        ["audit log", log],
      ],
      style,
    ),
  ];
  if (replicas.length > 0) {
    const rows = replicas.map(({ name, address, alive, deciding }): readonly Cell[] => [
      printable(name),
      printable(address),
      alive ? { text: deciding ? "decides" : "hands on", tone: "good" } : { text: "gone", tone: "bad" },
    ]);
    parts.push(renderTable({ head: ["REPLICA", "ADDRESS", "STATE"], rows }, style, ""));
  }
  if (pools.length > 0) {
    const rows = pools.map(({ pool, epoch, replica }): readonly Cell[] => [
      pool === "" ? "(the fleet)" : printable(idOf(pool)),
      String(epoch),
      replica === "" ? "-" : printable(replica),
    ]);
    parts.push(renderTable({ head: ["POOL", "EPOCH", "REPLICA"], rows }, style, ""));
  }
  return parts.join("\n");
}
