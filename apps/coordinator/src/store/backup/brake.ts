/**
 * A backup's rows with the brake engaged, and with the leaf that says so: written with all else in one transaction, so that
 * there is no moment at which the store is there and nodes may go.
 */
import { FLEET_LOG, auditLeaf } from "../audit-leaf.ts";
import type { TableRow } from "./file.ts";

/** The rows as they are, but for the brake. `reason` is one sentence; `atMs` in milliseconds since the epoch. */
export async function* withBrake(
  rows: AsyncIterable<TableRow>,
  reason: string,
  atMs: number,
): AsyncGenerator<TableRow> {
  let last = 0;
  for await (const found of rows) {
    const { table, row } = found;
    if (table === "meta" && row["key"] === "brake") continue;
    if (table === "audit" && row["pool_id"] === FLEET_LOG) last = Math.max(last, Number(row["seq"]));
    yield found;
  }
  const brake = { engaged: true, reason, updatedAtMs: atMs };
  yield { table: "meta", row: { key: "brake", value: JSON.stringify(brake) } };
  const leaf = JSON.stringify(auditLeaf({ kind: "brake", brake })?.body);
  yield { table: "audit", row: { pool_id: FLEET_LOG, seq: last + 1, at_ms: atMs, kind: "brake", leaf } };
}
