/** The coordinators for people. */
import type { CoordinatorStatus, GetStatusResponse, SequencerStatus } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { printable } from "../output/text.ts";
import { relative } from "./time.ts";

/** Who answered, the store and the log; then, where coordinators share the store, each of them, and each pool's epoch. */
export function coordinatorDetail(
  { store, replicas, pools, sequencer, coordinator }: GetStatusResponse,
  style: Style,
  nowMs: number,
): string {
  const health: Cell =
    store?.healthy === true
      ? { text: `${printable(store.engine)}, answers`, tone: "good" }
      : { text: printable(store?.message ?? "no word of it"), tone: "bad" };
  const parts = [
    renderPairs(
      [
        ...(coordinator === undefined ? [] : ownRows(coordinator, nowMs)),
        ["store", health],
        ...logRows(sequencer, nowMs),
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

function ownRows(own: CoordinatorStatus, nowMs: number): readonly (readonly [string, Cell])[] {
  const { version, ready, message, startTime, connections, overloadRefused, certificateExpireTime } = own;
  return [
    ["coordinator", { text: printable(message), tone: ready ? "good" : "bad" }],
    ["version", printable(version)],
    ["started", relative(startTime, nowMs)],
    ["connections", String(connections)],
    ["refused for overload", overloadRefused === 0n ? "0" : { text: String(overloadRefused), tone: "bad" }],
    ["certificate ends", relative(certificateExpireTime, nowMs)],
  ];
}

function logRows(log: SequencerStatus | undefined, nowMs: number): readonly (readonly [string, Cell])[] {
  if (log === undefined) return [["audit log", "-"]];
  const { size, signedSize, epoch, signedTime, witnessedSize, witnessedTime } = log;
  const rows: (readonly [string, Cell])[] = [
    ["audit log", `${size} leaves in their place, ${signedSize} signed for, epoch ${epoch}`],
  ];
  if (signedTime !== undefined) rows.push(["last signed", relative(signedTime, nowMs)]);
  if (witnessedTime !== undefined) {
    rows.push(["last witnessed", `${relative(witnessedTime, nowMs)}, ${witnessedSize} leaves`]);
  }
  return rows;
}
