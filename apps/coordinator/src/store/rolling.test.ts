import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { STEPS } from "./postgres/schema.ts";
import { ADDITIONS, MIGRATIONS } from "./sqlite/schema.ts";
import { openSqliteStore } from "./sqlite/store.ts";
import { brakeOf, enrolled, said } from "./testing/changes.ts";
import { PRAGMAS_0_1_0, READS_0_1_0, TABLES_0_1_0, WRITES_0_1_0 } from "./testing/version-0-1-0.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-store-"));
  path = join(folder, "moult.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A coordinator of 0.1.0 opens the store, works with it, and answers what it reads. */
function old(): Readonly<Record<string, readonly unknown[]>> {
  const db = new DatabaseSync(path);
  try {
    db.exec(PRAGMAS_0_1_0);
    const version = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
    // It refuses a version that it does not know.
    expect(version).toBeLessThanOrEqual(1);
    if (version === 0) db.exec(`BEGIN IMMEDIATE; ${TABLES_0_1_0}; PRAGMA user_version = 1; COMMIT`);
    for (const [sql, ...values] of WRITES_0_1_0) db.prepare(sql).run(...values);
    return Object.fromEntries(
      READS_0_1_0.map((sql) => [
        sql,
        db
          .prepare(sql)
          .all()
          .map((row) => ({ ...row })),
      ]),
    );
  } finally {
    db.close();
  }
}

test("a store of 0.1.0 is taken over, and 0.1.0 takes it back, and over again", async () => {
  old();
  const taken = openSqliteStore(path, "demo");
  const before = await taken.load();
  expect(before.nodes.map(({ identity, sequence }) => [identity.nodeId, sequence])).toEqual([["old", 41]]);
  expect([before.permits.length, before.brake?.reason, before.demandByPool.get("home")]).toEqual([1, "old", 7]);
  await taken.commit({ changes: [enrolled("new"), said("new"), brakeOf("new")], atMs: 2 });
  await taken.tree.claim();
  await taken.close();

  const read = old();
  expect(read["SELECT identity, state FROM nodes"]).toHaveLength(2);
  expect(read["SELECT key, value FROM meta"]).toContainEqual({
    key: "brake",
    value: '{"engaged":true,"reason":"old"}',
  });

  const again = openSqliteStore(path, "demo");
  // What the old one appended meanwhile is in its place.
  expect((await again.tree.unplaced(9)).map(({ poolId, seq }) => [poolId, seq])).toEqual([
    ["*", 1],
    ["home", 1],
    ["home", 2],
    ["home", 3],
  ]);
  await again.close();
});

test("a coordinator of 0.1.0 and a later one never hold the store at once", async () => {
  old();
  const store = openSqliteStore(path, "demo");
  expect(old).toThrow(/locked/);
  await store.close();
  const first = new DatabaseSync(path);
  first.exec(PRAGMAS_0_1_0);
  first.prepare("SELECT * FROM meta").all();
  expect(() => openSqliteStore(path, "demo")).toThrow(/another coordinator holds it/);
  first.close();
  await openSqliteStore(path, "demo").close();
});

test("what was released is not changed", () => {
  const plain = (sql: string | undefined): string => (sql ?? "").replace(/\s+/g, " ").trim();
  expect(plain(MIGRATIONS[0])).toBe(plain(TABLES_0_1_0));
});

test("every step only adds, so that the version before goes on working", () => {
  // 0.1.0 writes whole rows without naming columns: its tables can get none.
  // What lays a table out anew is judged by what it leaves, below.
  const isAddition = (text: string): boolean => !text.includes("RENAME TO");
  const sqlite = [...MIGRATIONS.slice(1), ...ADDITIONS.filter(isAddition)].flatMap((text) => text.split(";"));
  const postgres = Object.values(STEPS).flat();
  const adds = /^(CREATE (TABLE|INDEX|UNIQUE INDEX) |INSERT (OR IGNORE )?INTO )/;
  // A function's body is not looked into: it stands under a name of its own.
  const addsThere =
    /^(CREATE (TABLE|INDEX) IF NOT EXISTS |INSERT INTO .* ON CONFLICT DO NOTHING$|CREATE OR REPLACE FUNCTION |ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS \w+ \w+( NOT NULL DEFAULT .*)?$)/s;
  expect(sqlite.map((text) => text.trim()).filter((text) => text !== "" && !adds.test(text))).toEqual([]);
  expect(postgres.filter((text) => !addsThere.test(text))).toEqual([]);
});

/** What statements without names of columns go by: each table's columns in their order, and what is unique. */
function shapes(db: DatabaseSync): Readonly<Record<string, unknown>> {
  const rows = (sql: string, ...values: string[]): Record<string, unknown>[] =>
    db
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }));
  const tables = rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
  return Object.fromEntries(
    tables.map(({ name }) => {
      const columns = rows('SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)', String(name));
      const unique = rows('SELECT name FROM pragma_index_list(?) WHERE "unique"', String(name))
        .map((index) => rows("SELECT name FROM pragma_index_info(?)", String(index["name"])).map((row) => row["name"]))
        .map(String)
        .toSorted();
      return [name, { columns, unique }];
    }),
  );
}

test("whatever was laid out anew, each of 0.1.0's tables has its columns and its keys, and no trigger", async () => {
  old();
  await openSqliteStore(path, "demo").close();
  const now = new DatabaseSync(path);
  const then = new DatabaseSync(":memory:");
  then.exec(TABLES_0_1_0);
  const before = shapes(then);
  expect(Object.keys(before)).toHaveLength(11);
  expect(shapes(now)).toMatchObject(before);
  expect(now.prepare("SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view')").all()).toEqual([]);
  now.close();
  then.close();
});

test("nodes that were laid out anew are all there, as they were, and a row takes one page", async () => {
  const db = new DatabaseSync(path);
  db.exec(`BEGIN; ${TABLES_0_1_0}; PRAGMA user_version = 1; COMMIT`);
  const insert = db.prepare("INSERT INTO nodes VALUES (?, ?, ?)");
  db.exec("BEGIN");
  for (let n = 0; n < 3_000; n += 1) {
    const identity = { nodeId: `n${n}`, poolId: "home", publicKey: "", labels: { n: "i".repeat(n % 300) } };
    insert.run(identity.nodeId, JSON.stringify(identity), JSON.stringify({ sequence: n, bootId: "s".repeat(1_000) }));
  }
  db.exec("COMMIT");
  const rows = (from: DatabaseSync): readonly unknown[] =>
    from
      .prepare("SELECT * FROM nodes ORDER BY node_id")
      .all()
      .map((row) => ({ ...row }));
  const before = rows(db);
  const pages = (from: DatabaseSync): number =>
    Number(from.prepare("SELECT COUNT(*) AS n FROM dbstat WHERE name = 'nodes'").get()?.["n"]);
  const pagesBefore = pages(db);
  db.close();
  const store = openSqliteStore(path, "demo");
  // More than are read at once: the others come from the thread.
  const { nodes } = await store.load();
  expect(new Set(nodes.map(({ identity, sequence }) => `${identity.nodeId} ${sequence}`)).size).toBe(3_000);
  await store.close();
  const after = new DatabaseSync(path);
  expect(rows(after)).toEqual(before);
  expect([pagesBefore > 3_000, pages(after) < 1_700]).toEqual([true, true]);
  after.close();
});
