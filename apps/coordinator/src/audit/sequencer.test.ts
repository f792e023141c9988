import { randomBytes, randomUUID } from "node:crypto";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HASH_BYTES, leafHash, openCheckpoint, readLeaf, checkpointBytes, sameHash } from "@moult/trust/audit";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Store, type StoreChange, StoreError } from "../store/port.ts";
import { MIGRATIONS } from "../store/sqlite/schema.ts";
import { openDatabase } from "../store/sqlite/open.ts";
import { sqliteStore } from "../store/sqlite/store.ts";
import { directWriter } from "../store/sqlite/writer.ts";
import type { TreeStore } from "../store/tree.ts";
import { rootAt } from "./hashes.ts";
import { lastCheckpointIn } from "./last-checkpoint.ts";
import { readOrMakeLogKey } from "./log-key.ts";
import { Sequencer } from "./sequencer.ts";
import { Witnesses } from "./witnesses.ts";

/** Hundreds of stores are opened here, too many for a thread each. */
function openHere(path: string, network: string): Store {
  const db = openDatabase(path, network);
  return sqliteStore(db, path, directWriter(db));
}

const DEEP = process.env["MOULT_DEEP"] === "1";
const random = { bytes: (count: number) => randomBytes(count), uuid: () => randomUUID() };
const log = { info: () => {}, warn: () => {}, error: () => {} };

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-sequencer-"));
  store = openHere(join(folder, "moult.db"), "demo");
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Starts from the files, as a process does. */
async function reopen(): Promise<void> {
  await store.close();
  store = openHere(join(folder, "moult.db"), "demo");
}

const keyOf = (origin = "demo/log") => readOrMakeLogKey(join(folder, "audit"), origin, random);

function sequencer(tree: TreeStore = store.tree, origin = "demo/log"): Sequencer {
  const key = keyOf(origin);
  const witnesses = new Witnesses({ witnesses: [], quorum: 0, tree, log });
  const last = lastCheckpointIn(join(folder, "audit"), key.verifier);
  return new Sequencer({ tree, network: "demo", key, last, witnesses, witnessCount: 0, clock: { now: () => 0 } });
}

function enrolled(pool: string, count: number): Promise<void> {
  const changes = Array.from({ length: count }, (): StoreChange => {
    const nodeId = randomUUID();
    return {
      kind: "enrolled",
      identity: { nodeId, poolId: pool, publicKey: "", model: "m", labels: {}, domains: [], enrolledAtMs: 1 },
    };
  });
  return store.commit({ changes, atMs: 7 });
}

/** The whole tree, from the tables alone: each pool's numbers in order, and tiles over exactly these entries. */
async function checkTree(size: number): Promise<void> {
  const entries = await store.tree.entries(0, size + 1);
  expect(entries).toHaveLength(size);
  const next = new Map<string, number>();
  for (const entry of entries) {
    const { pool, seq } = readLeaf(entry);
    expect([pool, seq]).toEqual([pool, (next.get(pool) ?? 0) + 1]);
    next.set(pool, seq);
  }
  for (let index = 0; index * 256 < size; index += 1) {
    const hashes = entries.slice(index * 256, (index + 1) * 256).map((entry) => leafHash(entry));
    const tile = (await store.tree.tile(0, index)) ?? new Uint8Array();
    expect(Buffer.compare(tile.subarray(0, hashes.length * HASH_BYTES), Buffer.concat(hashes))).toBe(0);
  }
}

const behind = expect.objectContaining({ name: "StoreError", code: "BEHIND" });

test("every pool's leaves get their place, once, and the tree is signed for", async () => {
  await enrolled("a", 300);
  await enrolled("b", 1_000);
  const first = sequencer();
  await first.round();
  await checkTree(1_300);
  const { size, root } = openCheckpoint(checkpointBytes(first.published ?? never()), keyOf().verifier);
  expect(size).toBe(1_300);
  expect(sameHash(root, await rootAt(store.tree, 1_300))).toBe(true);
  await first.round();
  await enrolled("b", 1);
  await first.round();
  await checkTree(1_301);
  expect(first.published?.size).toBe(1_301);
});

test("one that slept while another took over does not put its checkpoint in the place of the newer one", async () => {
  await enrolled("a", 3);
  let size = 0;
  const slow: TreeStore = {
    ...store.tree,
    async grow(epoch, growth) {
      await store.tree.grow(epoch, growth);
      await enrolled("a", 5);
      const other = sequencer();
      await other.round();
      size = other.published?.size ?? 0;
    },
  };
  await expect(sequencer(slow).round()).rejects.toMatchObject({ name: "StoreError", code: "FENCED" });
  expect(size).toBe(8);
  expect(lastCheckpointIn(join(folder, "audit"), keyOf().verifier).read()?.size).toBe(8);
});

test("a backlog is signed for in parts", async () => {
  await enrolled("a", 17_000);
  const first = sequencer();
  expect(await first.round()).toBe(true);
  expect(first.published?.size).toBe(16_384);
  expect(await first.round()).toBe(false);
  await checkTree(17_000);
});

test("an empty log is signed for too", async () => {
  const first = sequencer();
  await first.round();
  expect(first.published?.size).toBe(0);
});

test("whatever write fails and whenever it ends, no leaf is placed twice, lost or moved, and no history is signed twice", async () => {
  const plan = fc.array(
    fc.record({
      pool: fc.constantFrom("a", "b", "c"),
      count: fc.integer({ min: 0, max: 400 }),
      failAt: fc.nat({ max: 4 }),
      isCarriedOut: fc.boolean(),
      restart: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(plan, async (steps) => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
      folder = mkdtempSync(join(tmpdir(), "moult-sequencer-"));
      store = openHere(join(folder, "moult.db"), "demo");
      let size = 0;
      const signed: { readonly size: number; readonly root: Uint8Array }[] = [];
      for (const { pool, count, failAt, isCarriedOut, restart } of steps) {
        await enrolled(pool, count);
        size += count;
        const failing = sequencer(failingAt(store.tree, failAt, isCarriedOut));
        await failing.round().catch((error: unknown) => expect(error).toBeInstanceOf(StoreError));
        if (failing.published !== undefined) signed.push(failing.published);
        if (restart) await reopen();
        // The one that failed goes on by itself; after a restart another does.
        const next = restart ? sequencer() : failing;
        await next.round();
        signed.push(next.published ?? never());
        await checkTree(size);
        expect(next.published?.size).toBe(size);
      }
      for (const was of signed) expect(sameHash(await rootAt(store.tree, was.size), was.root)).toBe(true);
    }),
    { numRuns: DEEP ? 500 : 25 },
  );
});

/** A tree whose `n`-th write fails, before or after it was carried out, as a disk or a power cut may have it. */
function failingAt(tree: TreeStore, n: number, isCarriedOut: boolean): TreeStore {
  let writes = 0;
  const failing =
    <A extends readonly unknown[]>(work: (...args: A) => Promise<void>) =>
    async (...args: A): Promise<void> => {
      writes += 1;
      if (writes !== n) return work(...args);
      if (isCarriedOut) await work(...args);
      throw new StoreError("UNWRITABLE", "the disk has gone");
    };
  return { ...tree, grow: failing(tree.grow), keepCheckpoint: failing(tree.keepCheckpoint) };
}

test("a sequencer that was taken over from writes nothing any more", async () => {
  await enrolled("a", 3);
  const [old, next] = [sequencer(), sequencer()];
  await old.open();
  await next.round();
  await enrolled("a", 2);
  await expect(old.round()).rejects.toMatchObject({ code: "FENCED" });
  await checkTree(3);
  await next.round();
  await checkTree(5);
});

describe("nothing is signed, and the start is refused,", () => {
  const backup = (): string => join(folder, "backup.db");

  /** A log of 10 leaves, of which the backup knows 4. */
  async function restored(after: () => Promise<void> = async () => {}): Promise<void> {
    await enrolled("a", 4);
    await sequencer().round();
    await store.close();
    copyFileSync(join(folder, "moult.db"), backup());
    store = openHere(join(folder, "moult.db"), "demo");
    await enrolled("a", 6);
    await sequencer().round();
    await store.close();
    for (const end of ["", "-wal", "-shm"]) rmSync(join(folder, `moult.db${end}`), { force: true });
    copyFileSync(backup(), join(folder, "moult.db"));
    store = openHere(join(folder, "moult.db"), "demo");
    await after();
  }

  test("when the store comes from an old backup", async () => {
    await restored();
    await expect(sequencer().open()).rejects.toEqual(behind);
  });

  test("also when it has more leaves by now, which are others", async () => {
    await restored(async () => {
      await enrolled("a", 20);
      // A sequencer that remembers nothing would have gone on from here.
      const key = keyOf();
      const witnesses = new Witnesses({ witnesses: [], quorum: 0, tree: store.tree, log });
      const last = { read: () => undefined, write: () => {} };
      const parts = { tree: store.tree, network: "demo", key, witnesses, witnessCount: 0, clock: { now: () => 0 } };
      await new Sequencer({ ...parts, last }).round();
    });
    await expect(sequencer().open()).rejects.toEqual(behind);
  });

  test("when a tile was changed", async () => {
    await enrolled("a", 4);
    await sequencer().round();
    await store.close();
    const db = new DatabaseSync(join(folder, "moult.db"));
    db.exec("UPDATE tree_tiles SET hashes = zeroblob(128)");
    db.close();
    store = openHere(join(folder, "moult.db"), "demo");
    await expect(sequencer().open()).rejects.toEqual(behind);
  });

  test("but a log under a new name begins", async () => {
    await restored();
    const next = sequencer(store.tree, "demo/log-2");
    await next.round();
    expect([next.published?.origin, next.published?.size]).toEqual(["demo/log-2", 4]);
  });
});

test("the version before goes on with this store, and what it logged gets its place afterwards", async () => {
  await enrolled("a", 2);
  await sequencer().round();
  await store.close();
  const db = new DatabaseSync(join(folder, "moult.db"));
  // All that version looks at, and all it does: it knows the numbered migrations, and appends to `audit`.
  expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: MIGRATIONS.length });
  expect(MIGRATIONS).toHaveLength(1);
  db.exec(
    "INSERT INTO audit SELECT 'a', MAX(seq) + 1, 9, 'outcome', '{\"nodeId\":\"n\"}' FROM audit WHERE pool_id = 'a'",
  );
  db.close();
  store = openHere(join(folder, "moult.db"), "demo");
  await sequencer().round();
  await checkTree(3);
});

test("a store that the version before made is brought forward", async () => {
  const path = join(folder, "old.db");
  const db = new DatabaseSync(path);
  db.exec(
    `${MIGRATIONS[0]}; PRAGMA user_version = 1; INSERT INTO audit VALUES ('a', 1, 9, 'outcome', '{"b":1,"a":2}')`,
  );
  db.close();
  await store.close();
  store = openHere(path, "demo");
  await sequencer().round();
  await checkTree(1);
});

function never(): never {
  throw new Error("no checkpoint");
}
