import { randomBytes, randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openAuditLog } from "../audit/audit-log.ts";
import { type Config, readConfig } from "../config.ts";
import { BACKUP_TABLES } from "../store/backup/tables.ts";
import { openStore } from "../store/open.ts";
import type { Store } from "../store/port.ts";
import { enrolled, eventOf, permitOf, said } from "../store/testing/changes.ts";
import { textOf } from "../store/testing/model.ts";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../store/testing/postgres-server.ts";
import { makeFolder, writeConfig } from "../testing/coordinator.ts";
import { CoordinatorProcess } from "../testing/process.ts";
import { type CommandParts, runBackup, runRestore } from "./backup.ts";

let folder: string;
let server: PostgresServer | undefined;
beforeAll(async () => {
  server = postgresBinaries() === undefined ? undefined : await PostgresServer.start();
});
afterAll(() => server?.remove());
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const quiet = { info: () => {}, warn: () => {}, error: () => {} };
const random = { bytes: (count: number): Uint8Array => randomBytes(count), uuid: () => randomUUID() };
const clock = { now: () => Date.now() };

/** A coordinator's folder, or the same folder with another engine. */
function partsOf(state: string, store = "sqlite"): CommandParts {
  mkdirSync(join(folder, state), { recursive: true });
  const path = writeConfig(folder, { state_dir: join(folder, state), store });
  return { config: readConfig(path, {}), clock, random, log: quiet };
}

async function using<T>({ config }: { readonly config: Config }, work: (store: Store) => Promise<T>): Promise<T> {
  const { store: engine, state_dir: stateDir, network } = config;
  const store = await openStore({ store: engine, stateDir, network, owner: randomUUID(), log: quiet });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Has the log signed for all that is there. */
async function sign({ config }: CommandParts, store: Store): Promise<void> {
  const { audit, network, state_dir: stateDir } = config;
  const settings = { ...audit, checkpoint_ms: 1 };
  const kept = await openAuditLog({ settings, network, stateDir, tree: store.tree, clock, random, log: quiet });
  kept.start();
  const size = (): number => kept.endpoint.published()?.size ?? 0;
  await expect
    .poll(async () => size() > 0 && (await store.tree.unplaced(1)).length === 0, { timeout: 10_000 })
    .toBe(true);
  await kept.stop();
}

/** The store is gone. */
function wipe({ config }: CommandParts): void {
  for (const end of ["", "-wal", "-shm"]) rmSync(join(config.state_dir, `moult.db${end}`), { force: true });
}

const release = { releaseCounter: 7, builds: [], recalled: false, createdAtMs: 1, seed: "" };
const brake = { reason: "r", issuedAtMs: 1, expiresAtMs: 2 ** 52, breaker: "" };

async function fill(store: Store, first: number, count = 3): Promise<void> {
  const ids = Array.from({ length: count }, (_, n) => `n${first + n}`);
  await store.commit({
    changes: [
      ...ids.map((id) => enrolled(id)),
      ...ids.slice(1).map((id) => said(id)),
      { kind: "permit", permit: permitOf(ids[0] ?? "", `p${first}`) },
      {
        kind: "request",
        request: { requestId: `r\u0000"${first}`, requestHash: "h", response: randomBytes(9), atMs: 1 },
      },
      { kind: "manifest", digest: `d${first}`, envelope: randomBytes(99) },
      // The council may give several releases one counter.
      { kind: "release", release: { ...release, version: `v${first}` } },
      { kind: "metadata", file: { role: "targets", version: first + 1, bytes: randomBytes(9) } },
      { kind: "brake-statement", brake: { ...brake, digest: `b${first}`, statement: randomBytes(9) } },
      { kind: "event", event: eventOf(first + 1) },
    ],
    atMs: 1,
  });
}

/** All that a coordinator would start from, as text. */
async function held(parts: CommandParts): Promise<string> {
  return using(parts, async (store) => {
    const spoke = new Set(["n1", "n2", "n11", "n12"]);
    const entries = (await store.tree.entries(0, 100)).map((entry) => Buffer.from(entry).toString("hex"));
    const manifest = Buffer.from((await store.manifest("d0")) ?? []).toString("hex");
    return [textOf(await store.load(), spoke), ...entries, manifest].join("\n");
  });
}

const ROUTES = [
  ["sqlite", "sqlite"],
  ["sqlite", "postgres"],
  ["postgres", "sqlite"],
  ["postgres", "postgres"],
] as const;

test.for(ROUTES)("a fleet moves whole from %s to %s, and its epochs begin anew", async ([from, to], { skip }) => {
  if (server === undefined) skip(POSTGRES_MISSING);
  const place = async (engine: string): Promise<string> =>
    engine === "postgres" ? ((await server?.database()) ?? "") : engine;
  const old = partsOf("one", await place(from));
  const epoch = await using(old, async (store) => {
    await fill(store, 0);
    await sign(old, store);
    await fill(store, 10);
    return (await store.tree.claim()).epoch;
  });
  const before = await held(old);
  const out = join(folder, "fleet.backup");
  expect((await runBackup(old, out)).facts).toMatchObject({ file: out, engine: from });
  expect(existsSync(`${out}.copy`)).toBe(false);
  const moved = partsOf(from === to && from === "sqlite" ? "two" : "one", await place(to));
  if (from === to && from === "sqlite") {
    const folders = [old.config.state_dir, moved.config.state_dir];
    // The log's key and its memory are files of the state folder.
    cpSync(join(folders[0] ?? "", "audit"), join(folders[1] ?? "", "audit"), { recursive: true });
  }
  expect((await runRestore(moved, out)).facts).toMatchObject({ engine: to });
  expect(await held(moved)).toBe(before);
  await using(moved, async (store) => {
    expect((await store.tree.claim()).epoch).toBeGreaterThan(epoch + 1);
    // The logs go on where they were.
    await fill(store, 20);
    await sign(moved, store);
  });
  await expect(runRestore(moved, out)).rejects.toMatchObject({ name: "StoreError" });
});

test.for(["sqlite", "postgres"])(
  "a backup that is behind what was signed is refused on %s, and nothing is written",
  async (engine, { skip }) => {
    if (engine === "postgres" && server === undefined) skip(POSTGRES_MISSING);
    const parts = partsOf("one");
    const out = join(folder, "fleet.backup");
    await using(parts, async (store) => {
      await fill(store, 0);
      await sign(parts, store);
      await runBackup(parts, out);
      await fill(store, 10);
      await sign(parts, store);
    });
    wipe(parts);
    const target = partsOf("one", engine === "sqlite" ? "sqlite" : await server?.database());
    await expect(runRestore(target, out)).rejects.toMatchObject({ code: "BEHIND" });
    expect(await using(target, (store) => store.load())).toMatchObject({ nodes: [], permits: [] });
  },
);

test.for(["sqlite", "postgres"])(
  "a backup that is behind is restored on %s under a new name of the log, by who accepts the loss, with the brake engaged",
  async (engine, { skip }) => {
    if (engine === "postgres" && server === undefined) skip(POSTGRES_MISSING);
    const parts = partsOf("one");
    const out = join(folder, "fleet.backup");
    await using(parts, async (store) => {
      await fill(store, 0);
      await sign(parts, store);
      await runBackup(parts, out);
      await fill(store, 10);
      await sign(parts, store);
    });
    wipe(parts);
    const target = partsOf("one", engine === "sqlite" ? "sqlite" : await server?.database());
    // Under its own name it would be a second history: nobody can accept that.
    await expect(runRestore(target, out, true)).rejects.toMatchObject({ code: "BEHIND" });
    const audit = { ...target.config.audit, origin: "moult/demo/audit-2" };
    const renamed = { ...target, config: { ...target.config, audit } };
    await expect(runRestore(renamed, out)).rejects.toMatchObject({
      code: "BEHIND",
      message: expect.stringMatching(
        /ends at leaf \d+ .*, and up to \d+ that were signed are not in it\. To lose them, say --accept-loss$/,
      ),
    });
    const { facts, sentence } = await runRestore(renamed, out, true);
    expect(facts).toMatchObject({ engine, lostLeaves: expect.any(Number) });
    expect(sentence).toMatch(/; the brake is engaged$/);
    await using(renamed, async (store) => {
      const { brake: engaged, permits } = await store.load();
      expect(engaged).toMatchObject({
        engaged: true,
        reason: expect.stringMatching(/^restored from a backup of .* lost$/),
      });
      expect(permits.map(({ permitId }) => permitId)).toEqual(["p0"]);
      // The log under its new name goes on, and says so itself.
      await sign(renamed, store);
      const { size } = await store.tree.claim();
      expect(Buffer.from((await store.tree.entries(size - 1, 1))[0] ?? []).toString()).toContain(
        "restored from a backup",
      );
    });
    const audited = (name: string): string => readFileSync(join(target.config.state_dir, "audit", name), "utf8");
    expect(audited("last-checkpoint")).toMatch(/^moult\/demo\/audit-2\n/);
    expect(audited("former-checkpoints")).toMatch(/^moult\/demo\/audit\n/);
  },
);

/** The same coordinator with its log under another name. */
function named(parts: CommandParts, origin: string): CommandParts {
  return { ...parts, config: { ...parts.config, audit: { ...parts.config.audit, origin: `moult/demo/${origin}` } } };
}

/** A log that signed, a backup of when it began and one of later, and more that was signed after both; the store is gone. */
async function signedPast(parts: CommandParts): Promise<{ readonly early: string; readonly later: string }> {
  const [early, later] = [join(folder, "early"), join(folder, "later")];
  await using(parts, async (store) => {
    await fill(store, 0);
    await sign(parts, store);
    await runBackup(parts, early);
    await fill(store, 10);
    await sign(parts, store);
    await runBackup(parts, later);
    await fill(store, 20);
    await sign(parts, store);
  });
  wipe(parts);
  return { early, later };
}

test("what a log signed under a former name is lost still, whatever was signed under another since", async () => {
  const first = partsOf("one");
  const { early, later } = await signedPast(first);
  const second = named(first, "audit-2");
  await runRestore(second, early, true);
  await using(second, (store) => sign(second, store));
  wipe(second);
  // Larger than what the second name signed, and of other leaves.
  const third = named(first, "audit-3");
  await expect(runRestore(third, later)).rejects.toMatchObject({ code: "BEHIND" });
  expect((await runRestore(third, later, true)).facts).toMatchObject({ lostLeaves: expect.toSatisfy((n) => n > 0) });
  await using(third, async (store) => expect((await store.load()).brake).toMatchObject({ engaged: true }));
  wipe(third);
  // Under a name that it had before nothing else is ever signed, not even where other names signed since.
  await expect(runRestore(first, later, true)).rejects.toMatchObject({ code: "BEHIND" });
});

test("a log that signed the very leaves of the backup under a new name does not hide what the former one signed", async () => {
  const first = partsOf("one");
  const { early, later } = await signedPast(first);
  const second = named(first, "audit-2");
  await runRestore(second, early, true);
  // As a coordinator does that signs before it has given the brake's leaf its place.
  const db = new DatabaseSync(join(first.config.state_dir, "moult.db"));
  db.exec("DELETE FROM audit WHERE pool_id = '*' AND kind = 'brake'");
  db.close();
  await using(second, (store) => sign(second, store));
  wipe(second);
  await expect(runRestore(named(first, "audit-3"), later)).rejects.toMatchObject({ code: "BEHIND" });
});

test("a loss that was accepted is not held against the backups of the log that came after", async () => {
  const first = partsOf("one");
  const { early } = await signedPast(first);
  const second = named(first, "audit-2");
  await runRestore(second, early, true);
  const out = join(folder, "second");
  await using(second, async (store) => {
    await sign(second, store);
    await runBackup(second, out);
  });
  wipe(second);
  expect((await runRestore(second, out)).facts).toMatchObject({ lostLeaves: 0 });
});

test("a checkpoint of a version that kept no former ones is read, and kept", async () => {
  const first = partsOf("one");
  const { early } = await signedPast(first);
  const audit = join(first.config.state_dir, "audit");
  const old = readFileSync(join(audit, "last-checkpoint"), "utf8");
  expect(existsSync(join(audit, "former-checkpoints"))).toBe(false);
  const names = ["audit-2", "audit-3"].map((name) => named(first, name));
  for (const parts of names) {
    await runRestore(parts, early, true);
    await using(parts, (store) => sign(parts, store));
    wipe(parts);
  }
  const former = readFileSync(join(audit, "former-checkpoints"), "utf8");
  expect(former.startsWith(`${old}\nmoult/demo/audit-2\n`)).toBe(true);
});

test("a restore that accepts a loss and is killed when its store is there has the brake engaged", async () => {
  const parts = partsOf("one");
  const { early } = await signedPast(parts);
  const config = writeConfig(folder, { state_dir: parts.config.state_dir });
  for (let time = 0; time < 2; time += 1) {
    const there = Promise.withResolvers<void>();
    const watcher = watch(parts.config.state_dir, (_, name) => {
      if (name === "moult.db" && existsSync(join(parts.config.state_dir, name))) there.resolve();
    });
    const restoring = new CoordinatorProcess(["restore", "--config", config, "--from", early, "--accept-loss"], {
      MOULT_AUDIT__ORIGIN: "moult/demo/audit-2",
    });
    await Promise.race([there.promise, restoring.ended]);
    await restoring.end("SIGKILL");
    watcher.close();
    const { brake: engaged, permits } = await using(parts, (store) => store.load());
    expect([permits.length, engaged?.engaged]).toEqual([1, true]);
    wipe(parts);
  }
});

test("a restore that accepts a loss and fails at the brake has restored nothing in PostgreSQL", async ({ skip }) => {
  if (server === undefined) return skip(POSTGRES_MISSING);
  const { early } = await signedPast(partsOf("one"));
  const url = await server.database();
  const parts = named(partsOf("one", url), "audit-2");
  // Its tables, and nobody who works with it.
  await using(parts, async () => {});
  const sql = (text: string): ReturnType<PostgresServer["query"]> | undefined =>
    server?.query(text, new URL(url).pathname.slice(1));
  await sql("DELETE FROM pool_owner");
  await sql(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'killed'; END $$`);
  await sql(`CREATE TRIGGER die BEFORE INSERT ON meta FOR EACH ROW WHEN (new.key = 'brake') EXECUTE FUNCTION die()`);
  await expect(runRestore(parts, early, true)).rejects.toMatchObject({ code: "UNWRITABLE" });
  expect(await sql("SELECT count(*)::int AS n FROM nodes")).toEqual([{ n: 0 }]);
  await sql("DROP TRIGGER die ON meta");
  await runRestore(parts, early, true);
  expect((await using(parts, (store) => store.load())).brake).toMatchObject({ engaged: true });
});

test("a backup that was cut off, damaged or is another network's is refused, and where there is a store, every one", async () => {
  const parts = partsOf("one");
  const out = join(folder, "fleet.backup");
  await using(parts, (store) => fill(store, 0));
  await runBackup(parts, out);
  await expect(runRestore(parts, out)).rejects.toMatchObject({ code: "NOT_EMPTY" });
  const whole = readFileSync(out);
  const text = gunzipSync(whole).toString();
  const empty = partsOf("two");
  const wrong = [
    [whole.subarray(0, whole.length - 20), "UNREADABLE"],
    [gzipSync(text.split("\n").slice(0, -2).join("\n")), "UNREADABLE"],
    [gzipSync(text.replace('"n1"', '"n9"')), "UNREADABLE"],
    [gzipSync(text.replace('"moult_backup":1', '"moult_backup":2')), "UNREADABLE"],
    [Buffer.from("no backup"), "UNREADABLE"],
  ] as const;
  for (const [bytes, code] of wrong) {
    writeFileSync(join(folder, "wrong"), bytes);
    await expect(runRestore(empty, join(folder, "wrong"))).rejects.toMatchObject({ code });
  }
  const other = { ...empty, config: { ...empty.config, network: "other" } };
  await expect(runRestore(other, out)).rejects.toMatchObject({ code: "OTHER_NETWORK" });
  await expect(runBackup({ ...parts, config: { ...parts.config, network: "other" } }, out)).rejects.toMatchObject({
    code: "OTHER_NETWORK",
  });
  expect(existsSync(join(empty.config.state_dir, "moult.db"))).toBe(false);
});

test("every table that is the fleet's is in a backup", async ({ skip }) => {
  const parts = partsOf("one");
  await using(parts, async () => {});
  const db = new DatabaseSync(join(parts.config.state_dir, "moult.db"), { readOnly: true });
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
  db.close();
  expect(tables.map(({ name }) => String(name)).toSorted()).toEqual(Object.keys(BACKUP_TABLES).toSorted());
  if (server === undefined) skip(POSTGRES_MISSING);
  const url = (await server?.database()) ?? "";
  await using(partsOf("two", url), async () => {});
  const text = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'";
  const own = ["replicas", "pool_owner", "moult_steps", "moult_steps_lock"];
  const found = (await server?.query(text, new URL(url).pathname.slice(1)))?.map(({ name }) => String(name)) ?? [];
  expect(found.filter((name) => !own.includes(name)).toSorted()).toEqual(Object.keys(BACKUP_TABLES).toSorted());
});

test("the commands work beside a coordinator that serves, and say what they did", async () => {
  const config = writeConfig(folder);
  const serving = new CoordinatorProcess(["--config", config]);
  const out = join(folder, "fleet.backup");
  try {
    const { fleet, operator } = await serving.serves(join(folder, "state"));
    await fleet.createEnrollmentToken({ pool: "pools/home", uses: 4, ttlS: 3600 }, operator);
    // The log's key is a secret of the state folder, and in no backup. What is signed after it would be missed in one.
    cpSync(join(folder, "state", "audit"), join(folder, "elsewhere", "audit"), { recursive: true });
    const taken = await new CoordinatorProcess(["backup", "--config", config, "--out", out, "--json"]).ended;
    expect([taken.code, taken.stderr]).toEqual([0, ""]);
    expect(JSON.parse(taken.stdout)).toEqual({ file: out, engine: "sqlite", rows: expect.any(Number) });
    await fleet.listPools({}, operator);
  } finally {
    await serving.end("SIGTERM");
  }
  const elsewhere = { MOULT_STATE_DIR: join(folder, "elsewhere") };
  const restored = await new CoordinatorProcess(["restore", "--config", config, "--from", out], elsewhere).ended;
  expect([restored.code, restored.stderr]).toEqual([0, ""]);
  expect(restored.stdout).toMatch(/^\d+ rows of \d{4}-.* are in the sqlite store\n$/);
  const again = await new CoordinatorProcess(["restore", "--config", config, "--from", out], elsewhere).ended;
  expect([again.code, again.stderr]).toEqual([3, expect.stringMatching(/^there is a store at .*\n$/)]);
  const wrong = await Promise.all(
    [
      ["backup", "--config", config],
      ["restore", "--config", config],
      ["mend", "--config", config],
    ].map((args) => new CoordinatorProcess(args).ended),
  );
  expect(wrong.map(({ code }) => code)).toEqual([2, 2, 2]);
});
