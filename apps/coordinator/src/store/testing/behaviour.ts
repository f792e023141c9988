/** What every engine does, as tests that run against each: an engine that passes them can stand in for another. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Store, type StoreChange, StoreError } from "../port.ts";
import { brakeOf, enrolled, eventOf, said, permitOf } from "./changes.ts";
import { history } from "./histories.ts";
import { type ExpectedLeaf, Model, textOf } from "./model.ts";

/** An engine, started. */
export interface Engine {
  /** Random histories a short run. */
  readonly runs: number;
  /** A new, empty place for a store. */
  readonly place: () => Promise<Place>;
  readonly stop: () => Promise<void>;
}

/** Where a store is kept. */
export interface Place {
  /** Opens the store, as `demo` where no other network is named. */
  readonly open: (network?: string) => Promise<Store>;
  /** The pools' logs, read past the store. Only while it is closed. */
  readonly leaves: () => Promise<readonly ExpectedLeaf[]>;
}

/** Random histories a long run. */
const RUNS_DEEP = 300;
const DAY_MS = 86_400_000;
const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
const plain = (buffer: Uint8Array | undefined): readonly number[] | undefined => buffer && [...buffer];

/** A store on a place of its own, closed in the end. */
async function using(engine: Engine, work: (store: Store, place: Place) => Promise<void>): Promise<void> {
  const place = await engine.place();
  const store = await place.open();
  let isOpen = true;
  const once = { ...store, close: async () => void (isOpen && ((isOpen = false), await store.close())) };
  try {
    await work(once, place);
  } finally {
    await once.close();
  }
}

/** The tests, for one engine. */
export function behavesAsStore(name: string, start: () => Promise<Engine>): void {
  describe(name, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await start();
    });
    afterAll(() => engine.stop());

    test("holds after any history what a model in memory holds, and its logs have no gap", async () => {
      const property = fc.asyncProperty(history, async (batches) => {
        await using(engine, async (store, place) => {
          const model = new Model();
          const spoke = new Set<string>();
          for (const changes of batches) {
            await store.commit({ changes, atMs: 1 });
            model.apply(changes);
            for (const change of changes) if (change.kind === "node") spoke.add(change.nodeId);
          }
          expect(textOf(await store.load(), spoke)).toBe(model.toString());
          await store.close();
          const again = await place.open();
          expect(textOf(await again.load(), spoke)).toBe(model.toString());
          await again.close();
          expect(sorted(await place.leaves())).toEqual(sorted(model.leaves));
        });
      });
      await fc.assert(property, { numRuns: process.env["MOULT_DEEP"] === undefined ? engine.runs : RUNS_DEEP });
    }, 600_000);

    test("keeps a batch whole or not at all, and goes on without a gap after one that failed", async () => {
      await using(engine, async (store, place) => {
        await store.commit({ changes: [enrolled("n1")], atMs: 1 });
        // No engine takes a counter that is not whole.
        const wrong = { version: "v", releaseCounter: 1.5, builds: [], recalled: false, createdAtMs: 1, seed: "" };
        const changes: StoreChange[] = [enrolled("n2"), { kind: "release", release: wrong }, enrolled("n3")];
        const error = await store.commit({ changes, atMs: 1 }).catch((why: unknown) => why);
        expect(error).toBeInstanceOf(StoreError);
        expect(error).toMatchObject({ code: "UNWRITABLE" });
        expect((await store.load()).nodes.map((node) => node.identity.nodeId)).toEqual(["n1"]);
        await store.commit({ changes: [enrolled("n4")], atMs: 1 });
        await store.close();
        const leaf = { poolId: "home", kind: "enrolled" };
        expect(await place.leaves()).toEqual([
          { ...leaf, seq: 1 },
          { ...leaf, seq: 2 },
        ]);
      });
    });

    test("moves a permit from one node to another, and never holds it twice", async () => {
      await using(engine, async (store) => {
        await store.commit({ changes: [{ kind: "permit", permit: permitOf("n1", "p") }], atMs: 1 });
        await store.commit({ changes: [{ kind: "permit", permit: permitOf("n2", "p") }], atMs: 1 });
        expect((await store.load()).permits.map(({ nodeId }) => nodeId)).toEqual(["n2"]);
        const ended: StoreChange = { kind: "permit-ended", permit: permitOf("n2", "p"), end: "REVERTED" };
        await store.commit({ changes: [{ kind: "permit", permit: permitOf("n3", "q") }, ended], atMs: 1 });
        expect((await store.load()).permits.map(({ nodeId }) => nodeId)).toEqual(["n3"]);
      });
    });

    test("writes a large batch while others have their turn, and shows nobody half of it", async () => {
      await using(engine, async (store) => {
        const many = 6_000;
        const ids = Array.from({ length: many }, (_, n) => `n${n}`);
        const { epoch } = await store.tree.claim();
        let turns = 0;
        let isDone = false;
        const count = (): void => {
          turns += 1;
          if (!isDone) setImmediate(count);
        };
        setImmediate(count);
        const batch = store.commit({ changes: ids.map((id) => enrolled(id)), atMs: 1 });
        const seen = store.tree.unplaced(many * 2);
        const kept = store.tree.keepCheckpoint(epoch, bytes(1));
        const small = store.commit({ changes: ids.map((id) => said(id)), atMs: 1 });
        await Promise.all([batch, kept, small]);
        isDone = true;
        expect([0, many]).toContain((await seen).length);
        expect(turns).toBeGreaterThan((2 * many) / 2_000);
        const { nodes } = await store.load();
        expect(nodes.filter(({ sequence }) => sequence === 3)).toHaveLength(many);
      });
    });

    test("commits in the order of the calls", async () => {
      await using(engine, async (store) => {
        await Promise.all(
          Array.from({ length: 40 }, (_, n) => store.commit({ changes: [brakeOf(`reason ${n}`)], atMs: n })),
        );
        expect((await store.load()).brake?.reason).toBe("reason 39");
        expect((await store.tree.unplaced(100)).map(({ seq, atMs }) => [seq, atMs])).toEqual(
          Array.from({ length: 40 }, (_, n) => [n + 1, n]),
        );
      });
    });

    test("keeps manifests by their digest, and the first of two", async () => {
      await using(engine, async (store) => {
        const manifest = (envelope: Uint8Array): StoreChange => ({ kind: "manifest", digest: "d", envelope });
        await store.commit({ changes: [manifest(bytes(0, 255, 92)), manifest(bytes(1))], atMs: 1 });
        await store.commit({ changes: [manifest(bytes(2))], atMs: 1 });
        expect(plain(await store.manifest("d"))).toEqual([0, 255, 92]);
        expect(await store.manifest("other")).toBeUndefined();
      });
    });

    test("keeps two releases of one counter, and either under another", async () => {
      await using(engine, async (store, place) => {
        const release = (version: string, releaseCounter: number): StoreChange => ({
          kind: "release",
          release: { version, releaseCounter, builds: [], recalled: false, createdAtMs: 1, seed: "" },
        });
        await store.commit({ changes: [release("a", 7), release("b", 7)], atMs: 1 });
        await store.commit({ changes: [release("c", 7), release("a", 8), release("b", 8)], atMs: 1 });
        await store.close();
        const again = await place.open();
        const { releases } = await again.load();
        await again.close();
        expect(releases.map(({ version, releaseCounter }) => `${version} ${releaseCounter}`).toSorted()).toEqual([
          "a 8",
          "b 8",
          "c 7",
        ]);
      });
    });

    test("says in the log on whose word, and nothing of whose addresses failed", async () => {
      await using(engine, async (store) => {
        const failures = { ...eventOf(1), kind: "AUTHENTICATION_FAILURES", subject: "192.0.2.1" } as const;
        const word = { by: "jo", reason: "why", statement: "AA==" };
        await store.commit({
          changes: [
            { ...brakeOf("r"), word },
            { kind: "event", event: failures },
          ],
          atMs: 1,
        });
        const said = (await store.tree.unplaced(9)).map(({ body }) => JSON.parse(body) as unknown);
        expect(said).toEqual([
          expect.objectContaining({ engaged: true, by: "jo", statement: "AA==" }),
          expect.objectContaining({ kind: "AUTHENTICATION_FAILURES", subject: "" }),
        ]);
        expect((await store.load()).events).toEqual([failures]);
      });
    });

    test("tidies remembered requests of yesterday and long-ended tokens, and nothing else", async () => {
      await using(engine, async (store) => {
        const now = 100 * DAY_MS;
        const token = (tokenHash: string, expiresAtMs: number): StoreChange => ({
          kind: "token",
          token: { tokenHash, poolId: "home", usesLeft: 1, expiresAtMs, labels: {} },
        });
        const request = (requestId: string, atMs: number): StoreChange => ({
          kind: "request",
          request: { requestId, requestHash: "", response: bytes(), atMs },
        });
        const brake = (digest: string, expiresAtMs: number): StoreChange => ({
          kind: "brake-statement",
          brake: { digest, statement: bytes(1), reason: "", issuedAtMs: 1, expiresAtMs, breaker: "" },
        });
        const changes = [
          token("old", now - 31 * DAY_MS),
          token("ended", now - DAY_MS),
          request("old", now - 2 * DAY_MS),
          request("new", now - 1000),
          brake("ended", now - 1),
          brake("holds", now + 1),
        ];
        await store.commit({ changes, atMs: now });
        await store.tidy(now);
        const { tokens, requests, brakeStatements } = await store.load();
        expect(brakeStatements.map(({ digest }) => digest)).toEqual(["holds"]);
        expect(tokens.map(({ tokenHash }) => tokenHash)).toEqual(["ended"]);
        expect(requests.map(({ requestId }) => requestId)).toEqual(["new"]);
      });
    });

    test("gives leaves their place under one epoch, and refuses the one before it", async () => {
      await using(engine, async (store) => {
        const { tree } = store;
        await store.commit({ changes: [enrolled("n1", "a"), enrolled("n2", "b"), enrolled("n3", "a")], atMs: 9 });
        const first = await tree.claim();
        expect(first).toEqual({ epoch: first.epoch, size: 0, checkpoint: undefined });
        const waiting = await tree.unplaced(100);
        expect(waiting.map(({ poolId, seq, atMs, kind }) => [poolId, seq, atMs, kind])).toEqual([
          ["a", 1, 9, "enrolled"],
          ["a", 2, 9, "enrolled"],
          ["b", 1, 9, "enrolled"],
        ]);
        expect(JSON.parse(waiting[2]?.body ?? "")).toMatchObject({ nodeId: "n2" });
        // Each pool gets its share.
        expect((await tree.unplaced(2)).map(({ poolId }) => poolId)).toEqual(["a", "b"]);
        const growth = {
          size: 0,
          leaves: waiting.map(({ poolId, seq }, n) => ({ poolId, seq, entry: bytes(n, 0, 255) })),
          tiles: [{ level: 0, index: 0, hashes: bytes(7) }],
          bodies: [{ digest: "x", bytes: bytes(5) }],
        };
        await tree.grow(first.epoch, growth);
        await tree.keepCheckpoint(first.epoch, bytes(4, 2));
        expect(await tree.unplaced(100)).toEqual([]);
        expect((await tree.entries(1, 5)).map(plain)).toEqual([
          [1, 0, 255],
          [2, 0, 255],
        ]);
        expect(plain(await tree.tile(0, 0))).toEqual([7]);
        expect(await tree.tile(1, 0)).toBeUndefined();
        expect(plain(await tree.body("x"))).toEqual([5]);
        expect(await tree.body("y")).toBeUndefined();

        const second = await tree.claim();
        expect([second.epoch, second.size, plain(second.checkpoint)]).toEqual([first.epoch + 1, 3, [4, 2]]);
        expect((await store.status()).tree).toEqual({ epoch: second.epoch, size: 3, signedSize: 0 });
        await tree.keepCheckpoint(second.epoch, Buffer.from("origin\n3\nroot\n"));
        expect((await store.status()).tree.signedSize).toBe(3);
        const more = { size: 3, leaves: [], tiles: [{ level: 0, index: 0, hashes: bytes(8) }], bodies: [] };
        await expect(tree.grow(first.epoch, more)).rejects.toMatchObject({ code: "FENCED" });
        await expect(tree.keepCheckpoint(first.epoch, bytes(0))).rejects.toMatchObject({ code: "FENCED" });
        await expect(tree.grow(second.epoch, { ...more, size: 2 })).rejects.toMatchObject({ code: "UNWRITABLE" });
        await tree.grow(second.epoch, more);
        expect(plain(await tree.tile(0, 0))).toEqual([8]);
      });
    });

    test("is one network's, and says so to another; what was refused holds nothing", async () => {
      await using(engine, async (store, place) => {
        await store.close();
        await expect(place.open("other")).rejects.toMatchObject({
          code: "OTHER_NETWORK",
          message: expect.stringContaining('belongs to network "demo", not to "other"'),
        });
        const again = await place.open();
        await again.close();
        await expect(again.load()).rejects.toMatchObject({ name: "StoreError" });
        await expect(again.commit({ changes: [brakeOf("late")], atMs: 1 })).rejects.toMatchObject({
          name: "StoreError",
        });
      });
    });

    test("is held by one coordinator at a time", async () => {
      await using(engine, async (store, place) => {
        await expect(place.open()).rejects.toMatchObject({
          message: expect.stringContaining("another coordinator holds it"),
        });
        await store.commit({ changes: [brakeOf("still mine")], atMs: 1 });
      });
    });
  });
}

function sorted(leaves: readonly ExpectedLeaf[]): readonly string[] {
  return leaves.map(({ poolId, seq, kind }) => `${poolId} ${String(seq).padStart(4, "0")} ${kind}`).toSorted();
}
