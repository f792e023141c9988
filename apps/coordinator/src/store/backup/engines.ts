/** Backup and restore of each engine. A backup is taken beside a coordinator that works; a restore needs a place that is empty. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync, backup } from "node:sqlite";
import { StoreError } from "../port.ts";
import { connect, guarded, placeOf } from "../postgres/connect.ts";
import { checkServer } from "../postgres/checks.ts";
import { kyselyOver } from "../postgres/dialect.ts";
import { prepare, readNetwork } from "../postgres/migrate.ts";
import { kyselyOverSqlite } from "../sqlite/kysely.ts";
import { networkOf, openDatabase } from "../sqlite/open.ts";
import type { TableRow } from "./file.ts";
import { type AnyTables, exportRows, importRows } from "./rows.ts";
import { type Kysely, type Transaction, sql as raw } from "kysely";

/** More pages than any store has: the copy is made in one step, so that no writer makes it begin again. */
const ALL_PAGES = 2_147_483_647;

/** Reads the rows of a store as of one moment; `take` gets its network and its rows. */
export type Export = <T>(take: (network: string, rows: AsyncIterable<TableRow>) => Promise<T>) => Promise<T>;

/** Copies the file beside whoever writes to it, and reads the copy. `copy` is where it may stand meanwhile. */
export function sqliteExport(path: string, copy: string): Export {
  return async (take) => {
    if (!existsSync(path)) throw new StoreError("UNREADABLE", `there is no store at ${path}`);
    rmSync(copy, { force: true });
    try {
      const source = new DatabaseSync(path, { readOnly: true });
      try {
        await guarded("UNREADABLE", `the store at ${path} cannot be copied`, () =>
          backup(source, copy, { rate: ALL_PAGES }),
        );
      } finally {
        source.close();
      }
      const db = new DatabaseSync(copy);
      try {
        return await take(networkOf(db, path), exportRows(kyselyOverSqlite<AnyTables>(db), "sqlite"));
      } finally {
        db.close();
      }
    } finally {
      for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(`${copy}${end}`, { force: true });
    }
  };
}

/** Reads a database in one transaction. */
export function postgresExport(url: string): Export {
  return async (take) => {
    const place = placeOf(url);
    const sql = connect(place, 1);
    try {
      return await guarded("UNREADABLE", `the store at ${place.name} cannot be read`, () =>
        kyselyOver(sql, place)
          .transaction()
          .setIsolationLevel("repeatable read")
          .setAccessMode("read only")
          .execute(async (tx) =>
            take(await readNetwork(tx, place.name), exportRows(tx as unknown as Kysely<AnyTables>, "postgres")),
          ),
      );
    } finally {
      await sql.end({ timeout: 1 });
    }
  };
}

/** Makes a store of the rows. Throws StoreError NOT_EMPTY where there is one. */
export type Restore = (network: string, rows: AsyncIterable<TableRow>) => Promise<void>;

/** Makes the file apart, and puts it into its place when it is whole. */
export function sqliteRestore(path: string): Restore {
  return async (network, rows) => {
    const advice = "move it away, with the files beside it";
    if (existsSync(path)) throw new StoreError("NOT_EMPTY", `there is a store at ${path}: ${advice}`);
    const folder = `${path}.restoring`;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { mode: 0o700 });
    const made = `${folder}/moult.db`;
    try {
      const db = openDatabase(made, network);
      try {
        await guarded("UNWRITABLE", `the store at ${path} cannot be written`, () =>
          kyselyOverSqlite<AnyTables>(db)
            .transaction()
            .execute((tx) => importRows(tx, "sqlite", rows)),
        );
        db.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
      } finally {
        db.close();
      }
      renameSync(made, path);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** Fills a database in one transaction: whole or not at all. */
export function postgresRestore(url: string): Restore {
  return async (network, rows) => {
    const place = placeOf(url);
    const sql = connect(place, 2);
    try {
      await checkServer(sql, place.name, { warn: () => {} });
      const db = kyselyOver(sql, place);
      await prepare(db, place.name, network);
      await guarded("UNWRITABLE", `the store at ${place.name} cannot be written`, () =>
        db.transaction().execute(async (tx) => {
          // Nobody may begin to work with it meanwhile.
          await sqlLock(tx as unknown as Transaction<AnyTables>, place.name);
          await importRows(tx as unknown as Transaction<AnyTables>, "postgres", rows);
        }),
      );
    } finally {
      await sql.end({ timeout: 1 });
    }
  };
}

async function sqlLock(tx: Transaction<AnyTables>, name: string): Promise<void> {
  await raw`LOCK TABLE pool_owner, nodes, audit IN ACCESS EXCLUSIVE MODE`.execute(tx);
  for (const table of ["audit", "nodes", "pool_owner", "tokens", "requests"]) {
    const row = await tx
      .selectFrom(table)
      .select(raw<number>`1`.as("one"))
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) continue;
    throw new StoreError("NOT_EMPTY", `the store at ${name} is in use: restore into a database that is new`);
  }
}
