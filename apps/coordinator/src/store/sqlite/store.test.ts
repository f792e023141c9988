import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Permit } from "@moult/policy";
import { writeCanonicalLeaf, writeLeaf } from "@moult/trust/audit";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BrakeStatement, type MetadataFile, type Store, type StoreChange, StoreError } from "../port.ts";
import { identityOf, nodeOf, permitOf, recordOf, said } from "../testing/changes.ts";
import type { LoggedLeaf } from "../tree.ts";
import { openDatabase } from "./open.ts";
import { sqliteStore } from "./store.ts";
import { type Writer, type Writes, directWriter } from "./writer.ts";

let folder: string;
let path: string;
let db: DatabaseSync;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-store-"));
  path = join(folder, "moult.db");
  open();
});
afterEach(async () => {
  if (db.isOpen) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): void {
  db = openDatabase(path, "demo");
  store = sqliteStore(db, path, directWriter(db));
}

function commit(...changes: StoreChange[]): Promise<void> {
  return store.commit({ changes, atMs: 1 });
}

function permit(nodeId: string, poolId?: string): Permit {
  return permitOf(nodeId, `permit-${nodeId}`, poolId);
}

function file(role: MetadataFile["role"], version: number): MetadataFile {
  return { role, version, bytes: new Uint8Array([version]) };
}

function brakeUntil(expiresAtMs: number): BrakeStatement {
  const said = { reason: "smoke", issuedAtMs: 1, expiresAtMs, breaker: "b" };
  return { digest: `until ${expiresAtMs}`, statement: new Uint8Array([1]), ...said };
}

/** The places in each pool's log. */
function places(): Readonly<Record<string, readonly unknown[]>> {
  const rows = db.prepare("SELECT pool_id, seq, kind FROM audit ORDER BY pool_id, seq").all();
  return Object.groupBy(
    rows.map((row) => ({ ...row })),
    (row) => String(row["pool_id"]),
  ) as Record<string, readonly unknown[]>;
}

test("everything that is written is read again by the next start", async () => {
  const node = nodeOf("n1");
  const dial = {
    version: "2.0.0",
    setting: {
      kind: "named" as const,
      nodes: new Set(["n1", "n2"]),
      selectors: [[{ key: "region", values: ["eu"] }]],
    },
    updatedAtMs: 9,
  };
  const release = { version: "2.0.0", releaseCounter: 2, builds: [], recalled: false, createdAtMs: 1, seed: "ab" };
  const override = {
    overrideId: "o1",
    poolId: "home",
    nodeIds: ["n1"],
    reason: "drill",
    deficitMaxRps: 1,
    allowShardAndDomain: true,
    expiresAtMs: 3,
  };
  const token = { tokenHash: "h", poolId: "home", usesLeft: 4, expiresAtMs: 5, labels: { a: "b" } };
  const request = { requestId: "r", requestHash: "h", response: new Uint8Array([1, 2]), atMs: 6 };
  const about = { kind: "CLONE" as const, subject: "n1", nodeId: "n1", poolId: "home", message: "two" };
  const event = { ...about, eventId: 7, count: 2, firstAtMs: 1, lastAtMs: 2 };
  const tally = { committed: 1, reverted: 2, lost: 3, refusals: { ALLOWLIST: 4, DIAL: 5, CAPACITY: 6 } };
  await commit(
    { kind: "enrolled", identity: node.identity },
    { kind: "enrolled", identity: identityOf("n2") },
    said("n1"),
    { kind: "permit", permit: permit("n1") },
    { kind: "release", release },
    { kind: "manifest", digest: "d1", envelope: new Uint8Array([9]) },
    { kind: "dial", dial, was: "nobody" },
    { kind: "override", override },
    { kind: "brake", brake: { engaged: true, reason: "smoke", updatedAtMs: 8 } },
    { kind: "token", token },
    { kind: "request", request },
    { kind: "event", event },
    { kind: "totals", demandByPool: new Map([["home", 1234]]), tally },
    { kind: "metadata", file: file("root", 1) },
    { kind: "brake-statement", brake: brakeUntil(1000) },
  );
  await store.close();
  open();
  const { nodes, ...rest } = await store.load();
  expect(nodes.map(recordOf)).toEqual([
    node,
    expect.objectContaining({ identity: identityOf("n2"), lost: false, sequence: 0 }),
  ]);
  expect(rest).toEqual({
    permits: [permit("n1")],
    releases: [release],
    dials: [dial],
    overrides: [override],
    brake: { engaged: true, reason: "smoke", updatedAtMs: 8 },
    tokens: [token],
    events: [event],
    requests: [{ ...request, response: expect.anything() }],
    demandByPool: new Map([["home", 1234]]),
    tally,
    metadata: [file("root", 1)],
    brakeStatements: [brakeUntil(1000)],
  });
  expect(Buffer.from(rest.requests[0]?.response ?? [])).toEqual(Buffer.from([1, 2]));
  expect(Buffer.from((await store.manifest("d1")) ?? [])).toEqual(Buffer.from([9]));
  expect(await store.manifest("d2")).toBeUndefined();
});

test("each pool has a log of its own without a gap, and what concerns no pool has one too", async () => {
  await commit({ kind: "enrolled", identity: identityOf("n1", "a") }, { kind: "permit", permit: permit("n1", "a") });
  await commit({ kind: "brake", brake: { engaged: true, reason: "r", updatedAtMs: 1 } });
  await commit(
    { kind: "enrolled", identity: identityOf("n2", "b") },
    { kind: "permit-ended", permit: permit("n1", "a"), end: "COMMITTED" },
    said("n1"),
    { kind: "brake", brake: { engaged: false, reason: "r", updatedAtMs: 2 } },
  );
  const leaf = (pool_id: string, seq: number, kind: string): object => ({ pool_id, seq, kind });
  expect(places()).toEqual({
    a: [leaf("a", 1, "enrolled"), leaf("a", 2, "permit"), leaf("a", 3, "permit-ended")],
    b: [leaf("b", 1, "enrolled")],
    "*": [leaf("*", 1, "brake"), leaf("*", 2, "brake")],
  });
});

test("a disk that is full refuses a batch whole; with room again the log goes on without a gap", async () => {
  await commit({ kind: "enrolled", identity: identityOf("n1") });
  const { page_count: pages } = db.prepare("PRAGMA page_count").get() as { page_count: number };
  db.exec(`PRAGMA max_page_count = ${pages}`);
  const large = { kind: "manifest" as const, digest: "d", envelope: new Uint8Array(100_000) };
  const error = await commit({ kind: "enrolled", identity: identityOf("n2") }, large).catch((why: unknown) => why);
  expect(error).toBeInstanceOf(StoreError);
  expect(error).toMatchObject({ code: "UNWRITABLE", message: expect.stringContaining("full") });
  expect((await store.load()).nodes.map((node) => node.identity.nodeId)).toEqual(["n1"]);
  db.exec("PRAGMA max_page_count = 1000000");
  await commit({ kind: "enrolled", identity: identityOf("n3") }, large);
  expect((await store.load()).nodes.map((node) => node.identity.nodeId)).toEqual(["n1", "n3"]);
  expect(places()["home"]).toMatchObject([{ seq: 1 }, { seq: 2 }]);
});

test("a batch in which one change cannot be written leaves nothing of the others", async () => {
  await commit({ kind: "permit", permit: permit("n1") });
  const clash = { ...permit("n2"), permitId: "permit-n1" };
  const before = places();
  // Two nodes cannot hold one permit: the later row takes the place of the earlier, never stands beside it.
  await commit({ kind: "permit", permit: clash });
  expect((await store.load()).permits).toEqual([clash]);
  const impossible = { kind: "release" as const, release: undefined as never };
  await expect(commit({ kind: "permit", permit: permit("n3") }, impossible)).rejects.toBeInstanceOf(StoreError);
  expect((await store.load()).permits).toEqual([clash]);
  expect(places()["home"]).toHaveLength((before["home"]?.length ?? 0) + 1);
});

test("tidying forgets old answers, long-ended tokens and brakes that ended, and nothing else", async () => {
  const day = 86_400_000;
  const now = 100 * day;
  const token = (tokenHash: string, expiresAtMs: number): StoreChange => ({
    kind: "token",
    token: { tokenHash, poolId: "home", usesLeft: 1, expiresAtMs, labels: {} },
  });
  const request = (requestId: string, atMs: number): StoreChange => ({
    kind: "request",
    request: { requestId, requestHash: "", response: new Uint8Array(), atMs },
  });
  await commit(
    token("old", now - 31 * day),
    token("ended", now - day),
    request("old", now - 2 * day),
    request("new", now - 1000),
    { kind: "brake-statement", brake: brakeUntil(now - 1) },
    { kind: "brake-statement", brake: brakeUntil(now + 1) },
  );
  await store.tidy(now);
  const { tokens, requests, brakeStatements } = await store.load();
  expect(brakeStatements).toEqual([brakeUntil(now + 1)]);
  expect(tokens.map((kept) => kept.tokenHash)).toEqual(["ended"]);
  expect(requests.map((kept) => kept.requestId)).toEqual(["new"]);
});

test("a store that is closed, or of another network, says so in its own words", async () => {
  await store.close();
  await expect(store.load()).rejects.toMatchObject({ name: "StoreError", code: "UNREADABLE" });
  await expect(store.manifest("d")).rejects.toMatchObject({ name: "StoreError", code: "UNREADABLE" });
  await expect(store.tidy(1)).rejects.toMatchObject({ name: "StoreError", code: "UNWRITABLE" });
  expect(() => openDatabase(path, "other")).toThrow(expect.objectContaining({ code: "OTHER_NETWORK" }));
  // What was refused holds no lock.
  open();
});

test("metadata files come back in the order in which they were published, whatever their versions", async () => {
  const last = { role: "timestamp" as const, version: Number.MAX_SAFE_INTEGER, bytes: new Uint8Array([1]) };
  await commit({ kind: "metadata", file: last }, { kind: "metadata", file: file("targets", 4) });
  await commit({ kind: "metadata", file: file("timestamp", 1) }, { kind: "metadata", file: file("targets", 5) });
  const again = { ...file("targets", 4), bytes: new Uint8Array([44]) };
  await commit({ kind: "metadata", file: again }, { kind: "metadata-dropped", file: file("targets", 5) });
  await store.close();
  open();
  expect((await store.load()).metadata).toEqual([last, file("timestamp", 1), again]);
  expect(places()["*"]).toHaveLength(5);
});

test("releases that the council gives one counter both stay, and keep what they are", async () => {
  const release = (version: string, releaseCounter: number): StoreChange => ({
    kind: "release",
    release: { version, releaseCounter, builds: [], recalled: false, createdAtMs: 1, seed: "ab" },
  });
  await commit(release("1.0.0", 1), release("2.0.0", 2), release("3.0.0", 3));
  await commit(release("1.0.0", 3), release("2.0.0", 3));
  await commit(release("4.0.0", 1));
  const { releases } = await store.load();
  const known = releases.map(({ version, releaseCounter }) => `${version} ${releaseCounter}`).sort();
  expect(known).toEqual(["1.0.0 3", "2.0.0 3", "3.0.0 3", "4.0.0 1"]);
});

test("a store from before there was metadata is taken over, with all that is in it", async () => {
  await commit({ kind: "enrolled", identity: identityOf("n1") }, { kind: "permit", permit: permit("n1") });
  db.exec(
    "DROP TABLE metadata_files; DROP TABLE brake_statements; DROP TABLE events; UPDATE meta SET value = '1' WHERE key = 'additions'",
  );
  await store.close();
  open();
  await commit({ kind: "metadata", file: file("root", 1) }, { kind: "brake-statement", brake: brakeUntil(7) });
  expect(await store.load()).toMatchObject({ permits: [permit("n1")], metadata: [file("root", 1)] });
});

test("of a node's states and of the tallies in one batch the last is kept, and every pool's demand", async () => {
  const tally = (committed: number): StoreChange & { kind: "totals" } => ({
    kind: "totals",
    demandByPool: new Map(committed === 2 ? [["home", 5]] : []),
    tally: { committed, reverted: 0, lost: 0, refusals: { ALLOWLIST: 0, DIAL: 0, CAPACITY: 0 } },
  });
  const state = (nodeId: string, sequence: number): StoreChange => said(nodeId, "home", sequence);
  const enrolled = (nodeId: string): StoreChange => ({ kind: "enrolled", identity: identityOf(nodeId) });
  await commit(
    enrolled("n1"),
    state("n1", 3),
    tally(1),
    enrolled("n2"),
    state("n2", 4),
    tally(2),
    state("n1", 9),
    tally(3),
  );
  const { nodes, tally: kept, demandByPool } = await store.load();
  expect(nodes.map(({ identity, sequence }) => [identity.nodeId, sequence])).toEqual([
    ["n1", 9],
    ["n2", 4],
  ]);
  expect([kept?.committed, demandByPool.get("home")]).toEqual([3, 5]);
});

test("leaves are the same whether they were just written or are read from the file", async () => {
  const brake = (reason: string): StoreChange => ({ kind: "brake", brake: { updatedAtMs: 1, reason, engaged: true } });
  const { permitId, ...rest } = permit("n1");
  await commit({ kind: "permit", permit: { ...rest, permitId } }, brake('ü " \u2028'), {
    ...brake("b"),
    word: { by: "jo" },
  });
  await commit({
    kind: "token",
    token: { tokenHash: "h", poolId: "p", usesLeft: 1, expiresAtMs: 5, labels: { 10: "x", 9: "y", b: "z" } },
  });
  const written = (leaves: readonly LoggedLeaf[]): readonly string[] =>
    leaves.map(({ poolId, isCanonical, body, ...leaf }) => {
      const head = { network: "demo", pool: poolId, ...leaf };
      return Buffer.from(
        (isCanonical ? writeCanonicalLeaf(head, body) : writeLeaf(head, JSON.parse(body))).entry,
      ).toString();
    });
  const fresh = await store.tree.unplaced(100);
  expect(fresh.map(({ isCanonical }) => isCanonical)).toEqual([true, true, true, true]);
  await store.close();
  open();
  const read = await store.tree.unplaced(100);
  expect(read.some(({ isCanonical }) => isCanonical)).toBe(false);
  expect(written(read)).toEqual(written(fresh));
});

test("a batch is written while the tree's own write is on its way", async () => {
  const held = Promise.withResolvers<void>();
  const begun: Writes[] = [];
  const direct = directWriter(db);
  const writer: Writer = {
    ...direct,
    async write(writes) {
      begun.push(writes);
      if (writes.statements.some((sql) => sql.includes("checkpoint"))) await held.promise;
      await direct.write(writes);
    },
  };
  store = sqliteStore(db, path, writer);
  const { epoch } = await store.tree.claim();
  const kept = store.tree.keepCheckpoint(epoch, new Uint8Array([1]));
  await commit({ kind: "enrolled", identity: identityOf("n1") });
  expect(begun.at(-1)?.statements.join()).toContain("INSERT INTO audit");
  // The tree's own are one after another all the same, and whoever closes waits for them.
  const next = store.tree.claim();
  const closed = store.close();
  held.resolve();
  await kept;
  expect((await next).epoch).toBe(epoch + 1);
  await closed;
  open();
  expect((await store.tree.claim()).checkpoint).toEqual(new Uint8Array([1]));
});
