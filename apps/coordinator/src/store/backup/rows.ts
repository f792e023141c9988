/** Reads and writes all tables of either engine through Kysely, in the backup's words. */
import { type Kysely, type Transaction } from "kysely";
import type { TableRow } from "./file.ts";
import { BACKUP_TABLES, type EngineRow, OWN_META, backupRow, engineRow } from "./tables.ts";

/** Tables whose names are known only when it runs. */
export type AnyTables = Record<string, Record<string, unknown>>;

/** The engine that is behind it. */
export type EngineName = "sqlite" | "postgres";

/** Rows a statement. */
const CHUNK_ROWS = 500;

/** Every row, table by table. To be read in one transaction, so that it is of one moment. */
export async function* exportRows(db: Kysely<AnyTables>, engine: EngineName): AsyncGenerator<TableRow> {
  for (const [table, columns] of Object.entries(BACKUP_TABLES)) {
    for await (const row of db.selectFrom(table).select(Object.keys(columns)).stream(CHUNK_ROWS)) {
      if (table === "meta" && OWN_META.has(String(row["key"]))) continue;
      yield { table, row: backupRow(table, row, engine) };
    }
  }
}

/** Writes every row into tables that are empty. */
export async function importRows(
  tx: Transaction<AnyTables>,
  engine: EngineName,
  rows: AsyncIterable<TableRow>,
): Promise<void> {
  // The one row that every new store has.
  await tx.deleteFrom("tree_state").execute();
  let chunk: EngineRow[] = [];
  let into = "";
  const counters = new Set<unknown>();
  let releasesTaken = 0;
  const flush = async (): Promise<void> => {
    if (chunk.length > 0) await tx.insertInto(into).values(chunk).execute();
    chunk = [];
  };
  for await (const { table, row } of rows) {
    if (table !== into || chunk.length >= CHUNK_ROWS) await flush();
    into = table;
    const values = engineRow(table, row, engine);
    if (values === undefined) continue;
    // Of two releases with one counter, SQLite keeps the second under a number of its own.
    const isTaken = engine === "sqlite" && table === "releases" && counters.has(values["release_counter"]);
    if (table === "releases") counters.add(values["release_counter"]);
    releasesTaken += isTaken ? 1 : 0;
    chunk.push(isTaken ? { ...values, release_counter: -releasesTaken } : values);
  }
  await flush();
}
