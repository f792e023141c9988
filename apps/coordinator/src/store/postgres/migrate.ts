/** Brings the tables forward, and holds the database against other networks and newer schemas before anything changes. */
import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { StoreError } from "../port.ts";
import { guarded } from "./connect.ts";
import { SCHEMA, STEPS } from "./schema.ts";
import type { PostgresTables } from "./tables.ts";

const APPLIED = "moult_steps";

/** Prepares the database for a network. Throws StoreError. */
export async function prepare(db: Kysely<PostgresTables>, name: string, network: string): Promise<void> {
  // Refused before it is changed: a database of another's is left as it was.
  if (await exists(db, "meta")) await judge(db, name, network);
  const applied = (await exists(db, APPLIED)) ? await namesOf(db) : [];
  await guarded("UNWRITABLE", `the store at ${name} cannot be prepared`, async () => {
    const migrator = new Migrator({
      db,
      migrationTableName: APPLIED,
      migrationLockTableName: `${APPLIED}_lock`,
      provider: { getMigrations: async () => migrations(applied) },
      allowUnorderedMigrations: true,
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    const rows = [
      { key: "network", value: network },
      { key: "schema", value: String(SCHEMA) },
    ];
    await db
      .insertInto("meta")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
  // Two that begin at once on an empty database: the first one's network stays.
  await judge(db, name, network);
}

/** Our steps, and those of newer coordinators, which have run and are none of ours to judge: they only add. */
function migrations(applied: readonly string[]): Record<string, Migration> {
  const known = Object.entries(STEPS).map(([step, statements]): [string, Migration] => [
    step,
    {
      async up(db) {
        for (const statement of statements) await sql.raw(statement).execute(db);
      },
    },
  ]);
  const unknown = applied.map((step): [string, Migration] => [step, { async up() {} }]);
  return Object.fromEntries([...unknown, ...known]);
}

async function judge(db: Kysely<PostgresTables>, name: string, network: string): Promise<void> {
  const rows = await guarded("UNREADABLE", `the store at ${name} cannot be read`, () =>
    db.selectFrom("meta").select(["key", "value"]).where("key", "in", ["network", "schema"]).execute(),
  );
  const meta = new Map(rows.map(({ key, value }) => [key, value]));
  const schema = Number(meta.get("schema") ?? SCHEMA);
  if (schema > SCHEMA) {
    const known = `this coordinator knows up to ${SCHEMA}`;
    throw new StoreError("VERSION", `the store at ${name} is of version ${schema}; ${known}: run a newer one`);
  }
  const owner = meta.get("network") ?? network;
  if (owner === network) return;
  const advice = "give each network its own database";
  throw new StoreError(
    "OTHER_NETWORK",
    `the store at ${name} belongs to network "${owner}", not to "${network}": ${advice}`,
  );
}

async function exists(db: Kysely<PostgresTables>, table: string): Promise<boolean> {
  return guarded("UNREADABLE", "the store cannot be read", async () => {
    const { rows } = await sql<{ found: boolean }>`SELECT to_regclass(${table}) IS NOT NULL AS found`.execute(db);
    return rows[0]?.found === true;
  });
}

async function namesOf(db: Kysely<PostgresTables>): Promise<readonly string[]> {
  return guarded("UNREADABLE", "the store cannot be read", async () => {
    const { rows } = await sql<{ name: string }>`SELECT name FROM ${sql.table(APPLIED)}`.execute(db);
    return rows.map((row) => row.name);
  });
}

/** The network that the database belongs to. Throws StoreError UNREADABLE where it holds no store. */
export async function readNetwork(db: Kysely<PostgresTables>, name: string): Promise<string> {
  const row = (await exists(db, "meta"))
    ? await db.selectFrom("meta").select("value").where("key", "=", "network").executeTakeFirst()
    : undefined;
  if (row === undefined) throw new StoreError("UNREADABLE", `there is no store at ${name}`);
  return row.value;
}
