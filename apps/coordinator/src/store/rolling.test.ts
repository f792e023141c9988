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
  const sqlite = [...MIGRATIONS.slice(1), ...ADDITIONS].flatMap((text) => text.split(";"));
  const postgres = Object.values(STEPS).flat();
  const adds = /^(CREATE (TABLE|INDEX|UNIQUE INDEX) |INSERT (OR IGNORE )?INTO )/;
  // A function's body is not looked into: it stands under a name of its own.
  const addsThere =
    /^(CREATE (TABLE|INDEX) IF NOT EXISTS |INSERT INTO .* ON CONFLICT DO NOTHING$|CREATE OR REPLACE FUNCTION |ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS \w+ \w+( NOT NULL DEFAULT .*)?$)/s;
  expect(sqlite.map((text) => text.trim()).filter((text) => text !== "" && !adds.test(text))).toEqual([]);
  expect(postgres.filter((text) => !addsThere.test(text))).toEqual([]);
});
