import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { brakeOf, enrolled, permitOf } from "../testing/changes.ts";
import { type LogLeaf, faultsOf } from "../testing/checker.ts";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../testing/postgres-server.ts";
import { type PostgresOptions, type PostgresStore, openPostgresStore } from "./store.ts";

const isMissing = postgresBinaries() === undefined;
if (isMissing) test.skip(POSTGRES_MISSING, () => expect.unreachable());

/** Longer than any of these tests: leases end when a test says so. */
const LEASE_MS = 600_000;

describe.skipIf(isMissing)("two coordinators on one database", () => {
  let server: PostgresServer;
  let url: string;
  const opened: PostgresStore[] = [];
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.remove());

  const open = async (more: Partial<PostgresOptions> = {}): Promise<PostgresStore> => {
    const log = { warn: () => {} };
    const store = await openPostgresStore({
      url,
      network: "demo",
      owner: randomUUID(),
      leaseMs: LEASE_MS,
      log,
      ...more,
    });
    opened.push(store);
    return store;
  };
  const run = async (text: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    server.query(text, new URL(url).pathname.slice(1));
  /** As if the owner had slept for longer than its lease. */
  const outlive = ({ ownership }: PostgresStore): Promise<unknown> =>
    run(`UPDATE replicas SET lease_until = now() - interval '1 second' WHERE owner = '${ownership.owner}'`);
  const inDatabase =
    (work: () => Promise<void>): (() => Promise<void>) =>
    async () => {
      url = await server.database();
      try {
        await work();
      } finally {
        await Promise.all(opened.splice(0).map((store) => store.close().catch(() => undefined)));
      }
    };
  const log = async (): Promise<readonly LogLeaf[]> =>
    (await run("SELECT pool_id, seq, kind, leaf FROM audit WHERE kind LIKE 'permit%'")).map((row) => ({
      poolId: String(row["pool_id"]),
      seq: Number(row["seq"]),
      kind: String(row["kind"]),
      body: String(row["leaf"]),
    }));

  test(
    "one whose lease ran out writes nothing more, and gets everything back when the other has gone",
    inDatabase(async () => {
      const first = await open();
      await first.commit({ changes: [enrolled("n1"), brakeOf("first")], atMs: 1 });
      await expect(open()).rejects.toMatchObject({ code: "HELD" });
      await outlive(first);
      const second = await open();
      await second.commit({ changes: [enrolled("n2")], atMs: 2 });
      // Also where nothing of the other's is touched: a pool that is new to both.
      for (const change of [enrolled("n3"), brakeOf("late"), enrolled("n4", "new")]) {
        await expect(first.commit({ changes: [change], atMs: 3 })).rejects.toMatchObject({
          code: expect.stringMatching(/^(FENCED|HELD)$/),
        });
      }
      await expect(first.load()).rejects.toMatchObject({ code: "HELD" });
      await second.close();
      const { nodes, brake } = await first.load();
      expect([nodes.map(({ identity }) => identity.nodeId), brake?.reason]).toEqual([["n1", "n2"], "first"]);
      await first.commit({ changes: [enrolled("n5")], atMs: 4 });
    }),
  );

  test(
    "one that was taken over from cannot take the log's order over, and shuts nobody's log",
    inDatabase(async () => {
      const first = await open();
      const { epoch } = await first.tree.claim();
      await outlive(first);
      const second = await open();
      const taken = await second.tree.claim();
      expect(taken.epoch).toBeGreaterThan(epoch);
      await expect(first.tree.claim()).rejects.toMatchObject({ code: "FENCED" });
      await second.tree.keepCheckpoint(taken.epoch, new Uint8Array([1]));
      await expect(first.commit({ changes: [brakeOf("late")], atMs: 1 })).rejects.toMatchObject({ code: "FENCED" });
      await second.close();
      await first.load();
      expect((await first.tree.claim()).epoch).toBeGreaterThan(taken.epoch);
    }),
  );

  test(
    "replicas hold pools of their own, and give them to each other",
    inDatabase(async () => {
      const a = await open({ mode: "claimed", address: "a:1" });
      const b = await open({ mode: "claimed", address: "b:1" });
      expect(await a.ownership.claim(["one", "two"])).toEqual(new Set(["one", "two"]));
      expect(await b.ownership.claim(["two", "three"])).toEqual(new Set(["three"]));
      expect((await b.ownership.replicas()).map(({ address }) => address).toSorted()).toEqual(["a:1", "b:1"]);
      await a.commit({ changes: [enrolled("n1", "one")], atMs: 1 });
      await b.commit({ changes: [enrolled("n3", "three")], atMs: 1 });
      await expect(b.commit({ changes: [enrolled("n2", "two")], atMs: 1 })).rejects.toMatchObject({ code: "FENCED" });
      await a.ownership.release(["two"]);
      expect(await b.ownership.claim(["two"])).toEqual(new Set(["two"]));
      await b.commit({ changes: [enrolled("n2", "two")], atMs: 1 });
      await expect(a.commit({ changes: [enrolled("n4", "two")], atMs: 1 })).rejects.toMatchObject({ code: "FENCED" });
      await outlive(a);
      expect((await b.ownership.replicas()).map(({ address }) => address)).toEqual(["b:1"]);
      expect(await b.ownership.claim(["one"])).toEqual(new Set(["one"]));
      await expect(a.commit({ changes: [enrolled("n5", "one")], atMs: 1 })).rejects.toMatchObject({ code: "FENCED" });
      const { nodes } = await b.loadPools(["one", "three"]);
      expect(nodes.map(({ identity }) => identity.nodeId).toSorted()).toEqual(["n1", "n3"]);
      const owners = await b.ownership.owners();
      expect(owners.map(({ poolId, owner }) => [poolId, owner === b.ownership.owner])).toEqual([
        ["one", true],
        ["three", true],
        ["two", true],
      ]);
    }),
  );

  test(
    "gives back also what it has forgotten that it holds, so that nobody waits for its lease",
    inDatabase(async () => {
      const a = await open({ mode: "claimed", address: "a:1" });
      const b = await open({ mode: "claimed", address: "b:1" });
      await a.ownership.claim(["one"]);
      a.ownership.forget();
      await a.ownership.release();
      expect(await b.ownership.claim(["one"])).toEqual(new Set(["one"]));
    }),
  );

  /** Keeps its beats from landing for longer than its lease of `BRIEF_MS`; resolves when one has landed again. */
  const silenced = async ({ ownership }: PostgresStore): Promise<void> => {
    const row = `FROM replicas WHERE owner = '${ownership.owner}'`;
    await run(`BEGIN; SELECT 1 ${row} FOR UPDATE; SELECT pg_sleep(1); COMMIT`);
    await until(async () => (await run(`SELECT 1 ${row} AND lease_until > clock_timestamp()`)).length > 0);
  };
  const BRIEF_MS = 300;

  test(
    "a beat that comes too late gives the seat's lease back to nobody who was taken over from",
    inDatabase(async () => {
      const first = await open({ mode: "seat", leaseMs: BRIEF_MS });
      const second = await open({ mode: "seat" });
      expect(first.seat?.isLeased()).toBe(false);
      expect(await first.seat?.take()).toBe(true);
      await until(async () => first.seat?.isLeased() === true);
      const silence = silenced(first);
      await until(async () => (await second.seat?.take()) === true);
      expect(second.seat?.isLeased()).toBe(true);
      await silence;
      expect(first.seat?.isLeased()).toBe(false);
      expect(await first.seat?.look()).toMatchObject({ isOurs: false });
      await second.seat?.release();
      await first.seat?.look();
      expect(first.seat?.isLeased()).toBe(false);
      expect(await first.seat?.take()).toBe(true);
      await until(async () => first.seat?.isLeased() === true);
    }),
  );

  test(
    "where nobody took over meanwhile, the next look finds the lease good again; not so where another came and went",
    inDatabase(async () => {
      const first = await open({ mode: "seat", leaseMs: BRIEF_MS });
      expect(await first.seat?.take()).toBe(true);
      await silenced(first);
      expect(first.seat?.isLeased()).toBe(false);
      await first.seat?.look();
      await until(async () => first.seat?.isLeased() === true);
      await silenced(first);
      // As another leaves it that took the seat and died, and whose rows somebody gave back by hand.
      await run("UPDATE pool_owner SET epoch = epoch + 1");
      expect(await first.seat?.look()).toMatchObject({ isOurs: true });
      expect(first.seat?.isLeased()).toBe(false);
    }),
  );

  /** Two that both think that the pool is theirs grant what there is one of; answers what the checker says of the log. */
  const contest = async (): Promise<readonly string[]> => {
    const first = await open();
    await first.commit({ changes: [{ kind: "permit", permit: permitOf("n0", "p0") }], atMs: 1 });
    const back = { kind: "permit-ended", permit: permitOf("n0", "p0"), end: "COMMITTED" } as const;
    await first.commit({ changes: [back], atMs: 1 });
    await outlive(first);
    const second = await open();
    const grants = [
      ["n1", second],
      ["n2", first],
    ] as const;
    await Promise.allSettled(
      grants.map(([node, store]) =>
        store.commit({ changes: [{ kind: "permit", permit: permitOf(node, `of-${node}`) }], atMs: 2 }),
      ),
    );
    const permits = await run("SELECT node_id FROM permits");
    return faultsOf(
      await log(),
      1,
      permits.map((row) => String(row["node_id"])),
    );
  };
  const withoutFence =
    "CREATE OR REPLACE FUNCTION moult_hold(by text, pools text[], epochs bigint[]) RETURNS void LANGUAGE sql AS ''";

  test(
    "grant at most what there is: the fence refuses the one that was taken over from",
    inDatabase(async () => {
      expect(await contest()).toEqual([]);
      expect(await log()).toHaveLength(3);
    }),
  );

  test(
    "without the fence the log's key still refuses the second of two that decide on the same state",
    inDatabase(async () => {
      await (await open()).close();
      await run(withoutFence);
      expect(await contest()).toEqual([]);
    }),
  );

  test(
    "without fence and key both commit, and the checker says so",
    inDatabase(async () => {
      await (await open()).close();
      await run(`${withoutFence}; ALTER TABLE audit DROP CONSTRAINT audit_place`);
      const faults = await contest();
      expect(faults).toContainEqual(expect.stringContaining("home: 2 permits, at most 1"));
      expect(faults).toContainEqual(expect.stringContaining("place 3 where 4 belongs"));
    }),
  );

  test(
    "a takeover waits for the batch that is being written",
    inDatabase(async () => {
      const first = await open();
      await first.commit({ changes: [enrolled("n0")], atMs: 1 });
      // Each row takes its time, so that the takeover comes while the batch is on its way.
      await run(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON nodes FOR EACH ROW EXECUTE FUNCTION slow()`);
      const batch = first.commit({ changes: [enrolled("n1")], atMs: 1 });
      await until(async () => (await run("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0);
      await outlive(first);
      const second = await open();
      await batch;
      expect((await second.load()).nodes.map(({ identity }) => identity.nodeId)).toEqual(["n0", "n1"]);
      expect(second.ownership.held.get("home")?.lastSeq).toBe(2);
    }),
  );

  test.for(["40001", "40P01", "23505"])(
    "tries again where the database says %s, and a few times only",
    async (state) => {
      await inDatabase(async () => {
        const store = await open();
        await run(`CREATE SEQUENCE tries; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF nextval('tries') % 8 <> 3 THEN RAISE EXCEPTION 'again' USING ERRCODE = '${state}'; END IF;
        RETURN NEW; END $$;
        CREATE TRIGGER fail BEFORE INSERT ON nodes FOR EACH ROW EXECUTE FUNCTION fail()`);
        await store.commit({ changes: [enrolled("n1")], atMs: 1 });
        await expect(store.commit({ changes: [enrolled("n2")], atMs: 1 })).rejects.toMatchObject({
          code: "UNWRITABLE",
        });
        await run("DROP TRIGGER fail ON nodes");
        await store.commit({ changes: [enrolled("n3")], atMs: 1 });
        expect((await store.load()).nodes.map(({ identity }) => identity.nodeId)).toEqual(["n1", "n3"]);
        expect((await store.tree.unplaced(9)).map(({ seq }) => seq)).toEqual([1, 2]);
      })();
    },
  );

  test(
    "everything that was acknowledged outlives a crash of the server, and what was on its way is whole or not there",
    inDatabase(async () => {
      const store = await open();
      const acknowledged: number[] = [];
      let isDown = false;
      const writing = (async () => {
        for (let n = 0; !isDown; n += 1) {
          try {
            await store.commit({ changes: [enrolled(`n${n}`), brakeOf(`${n}`)], atMs: n });
            acknowledged.push(n);
          } catch (error) {
            expect(error).toMatchObject({ name: "StoreError" });
            isDown = true;
          }
        }
      })();
      await until(async () => acknowledged.length >= 20);
      await server.down("SIGQUIT");
      await writing;
      await server.up();
      const { nodes, brake } = await store.load();
      const kept = new Set(nodes.map(({ identity }) => identity.nodeId));
      expect(acknowledged.filter((n) => !kept.has(`n${n}`))).toEqual([]);
      expect(kept.size - acknowledged.length).toBeLessThanOrEqual(1);
      expect(brake?.reason).toBe(String(kept.size - 1));
      await store.commit({ changes: [brakeOf("again")], atMs: 1 });
      const seqs = await run("SELECT count(*)::int AS n, max(seq)::int AS last FROM audit WHERE pool_id = '*'");
      expect(seqs).toEqual([{ n: kept.size + 1, last: kept.size + 1 }]);
    }),
  );
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const lastMs = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > lastMs) throw new Error("it did not come about");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
