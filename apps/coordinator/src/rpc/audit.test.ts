import { DatabaseSync } from "node:sqlite";
import { writeBrakeStatement } from "@moult/contracts";
import { OutcomeKind, WorkState } from "@moult/contracts/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { NETWORK, buildOf } from "../testing/network.ts";
import { type TestDevice, WORKING } from "../testing/device.ts";
import { signedOverride } from "../testing/override.ts";

interface Leaf {
  readonly pool: string;
  readonly seq: number;
  readonly atMs: number;
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

let home: TestCoordinator;
let leaves: readonly Leaf[];
let movers: readonly TestDevice[];

/** A day in a fleet: two pools, moves that are kept, abandoned and refused, and what operators do meanwhile. */
beforeAll(async () => {
  home = await TestCoordinator.start();
  const build = buildOf("2.0.0", 2);
  await home.release(build, "2.0.0");
  const { rollout, releases, operator } = home.clients;
  movers = [await home.device("a"), await home.device("a"), await home.device("b")];
  for (const pool of ["a", "b"]) await home.company(pool);
  for (const [index, mover] of movers.entries()) {
    await mover.pulse();
    const go = await mover.ask({ stagedDigest: build.digest });
    const permitId = go.permit?.permitId ?? "";
    const situation = { ...WORKING, workState: WorkState.DRAINING };
    await mover.ask({ stagedDigest: build.digest, permitId, drained: true, situation });
    const { runningDigest = "", runningVersion = "" } = mover.askRequest();
    const kind = index === 0 ? OutcomeKind.COMMITTED : OutcomeKind.REVERTED;
    const value = { permitId, targetDigest: build.digest, kind, situation: WORKING, runningDigest, runningVersion };
    await mover.report({ case: "outcome", value });
    await mover.report({ case: "outcome", value });
  }
  const override = { pool: "pools/a", reason: "drill", deficitMaxRps: 1 };
  const made = await rollout.createOverride(signedOverride(override, 60), operator);
  await rollout.deleteOverride({ name: made.override?.name ?? "" }, operator);
  await rollout.engageBrake({ reason: "smoke" }, operator);
  await rollout.releaseBrake({ reason: "steam" }, operator);
  const issuedMs = home.now();
  const facts = { network: NETWORK, issuedMs, expiresMs: issuedMs + 3_600_000, body: { reason: "boot loops" } };
  const statement = home.network.brake(writeBrakeStatement(facts));
  await home.clients.metadata.submitBrake({ statement }, home.clients.breaker);
  await releases.recallRelease({ name: "releases/2.0.0", reason: "wrong" }, operator);
  await home.down();
  const db = new DatabaseSync(home.storePath, { readOnly: true });
  leaves = db
    .prepare("SELECT pool_id, seq, at_ms, kind, leaf FROM audit ORDER BY pool_id, seq")
    .all()
    .map((row) => ({
      pool: String(row["pool_id"]),
      seq: Number(row["seq"]),
      atMs: Number(row["at_ms"]),
      kind: String(row["kind"]),
      body: JSON.parse(String(row["leaf"])) as Leaf["body"],
    }));
  db.close();
});
afterAll(() => home.stop());

function kindsOf(pool: string): readonly string[] {
  return leaves.filter((leaf) => leaf.pool === pool).map((leaf) => leaf.kind);
}

test("metadata and signed brakes say who handed them in, and what people approved stands in the log whole", () => {
  const published = leaves.filter(({ kind }) => kind === "metadata").map(({ body }) => body);
  expect(published.map(({ role, by }) => [role, by])).toEqual([
    ["root", undefined],
    ...["targets", "snapshot", "timestamp"].map((role) => [role, "local-publisher"]),
  ]);
  const whole = [home.network.flashedRoot, home.network.targets ?? new Uint8Array()];
  const files = published.flatMap(({ file }) => (typeof file === "string" ? [Buffer.from(file, "base64")] : []));
  expect(files).toEqual(whole.map((bytes) => Buffer.from(bytes)));
  const brake = leaves.find(({ kind }) => kind === "brake-statement");
  expect(brake?.body).toMatchObject({ by: "local-breaker", reason: "boot loops" });
});

test("each log counts from 1 without a gap, and time does not run back in it", () => {
  for (const [pool, log] of Map.groupBy(leaves, (leaf) => leaf.pool)) {
    expect([pool, log.map((leaf) => leaf.seq)]).toEqual([pool, log.map((_, index) => index + 1)]);
    expect(log.every((leaf, index) => leaf.atMs >= (log[index - 1]?.atMs ?? 0))).toBe(true);
  }
});

test("what concerns no pool is in the fleet's log, in the order in which it was done", () => {
  const published = ["metadata", "metadata", "metadata", "metadata"];
  const since = ["release", "dial", "brake", "brake", "brake-statement", "release"];
  const told = kindsOf("*").filter((kind) => kind !== "token" && kind !== "event");
  expect(told).toEqual([...published, ...since]);
  const dial = leaves.find((leaf) => leaf.kind === "dial");
  expect(dial?.body).toMatchObject({ was: "nobody", version: "2.0.0", setting: { kind: "everyone" } });
});

test("a move leaves its grant, its departure, its end and its outcome, once each", () => {
  const move = ["permit", "permit", "permit-ended", "outcome"];
  expect(kindsOf("a").filter((kind) => kind !== "enrolled")).toEqual([...move, ...move, "override", "override-ended"]);
  expect(kindsOf("b").filter((kind) => kind !== "enrolled")).toEqual(move);
  const ends = leaves.filter((leaf) => leaf.kind === "permit-ended").map((leaf) => leaf.body["end"]);
  expect(ends).toEqual(["COMMITTED", "REVERTED", "REVERTED"]);
});

test("what operators did says on whose word, and why; what devices and time did says nothing of the sort", () => {
  const by = (kind: string): readonly unknown[] =>
    leaves.filter((leaf) => leaf.kind === kind).map(({ body }) => body["by"]);
  for (const kind of ["brake", "dial", "override", "override-ended", "release"]) {
    expect([kind, new Set(by(kind))]).toEqual([kind, new Set(["local-operator"])]);
  }
  for (const kind of ["enrolled", "permit", "permit-ended", "outcome"]) {
    expect([kind, new Set(by(kind))]).toEqual([kind, new Set([undefined])]);
  }
  const [, recalled] = leaves.filter((leaf) => leaf.kind === "release");
  expect(recalled?.body).toMatchObject({ recalled: true, reason: "wrong" });
});

test("replayed from the log alone, no node ever held two permits, and none is left", () => {
  const held = new Map<unknown, unknown>();
  for (const { kind, body } of leaves) {
    if (kind === "permit") {
      const { nodeId, permitId } = body;
      expect([undefined, permitId]).toContain(held.get(nodeId));
      held.set(nodeId, permitId);
    } else if (kind === "permit-ended") {
      expect(held.get(body["nodeId"])).toBe(body["permitId"]);
      held.delete(body["nodeId"]);
    }
  }
  expect(held.size).toBe(0);
});

test("no token or key stands in the log", () => {
  const text = JSON.stringify(leaves);
  for (const mover of movers) expect(text).not.toContain(mover.token);
  expect(text).toContain("tokenHash");
});
