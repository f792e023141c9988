import { generateKey } from "@moult/trust";
import { signStatement } from "@moult/trust/statement";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DatabaseSync } from "node:sqlite";
import { TestCoordinator } from "../testing/coordinator.ts";
import { OPERATOR_KEY, type SigningWish, signedOverride } from "../testing/override.ts";
import { refused, refusedWith } from "../testing/refusal.ts";

const INVALID = "INVALID_ARGUMENT STATEMENT_INVALID";
const OVERRIDE = { pool: "pools/home", reason: "leak", deficitMaxRps: 2 };

let home: TestCoordinator;
beforeAll(async () => {
  home = await TestCoordinator.start();
  await home.token("home");
});
afterAll(() => home.stop());

test("without a statement an override is refused, and its caller told what to do", async () => {
  const unsigned = { ...signedOverride(OVERRIDE, 60), statement: new Uint8Array() };
  const refusal = await refused(home.clients.rollout.createOverride(unsigned, home.clients.operator));
  expect(refusal).toMatchObject({ code: "INVALID_ARGUMENT", reason: "STATEMENT_INVALID" });
  expect(refusal.message).toContain("moult override create");
});

const WRONGS: readonly (readonly [string, SigningWish])[] = [
  ["another's key", { key: generateKey() }],
  ["another network", { network: "other" }],
  ["another pool", { said: { pool: "pools/b" } }],
  ["other nodes", { said: { nodes: ["nodes/n1"] } }],
  ["another reason", { said: { reason: "smoke" } }],
  ["another deficit", { said: { deficitMaxRps: 1 } }],
  ["less leave", { said: { allowShardAndDomain: true } }],
  ["a shorter time", { saidTtlS: 59 }],
  ["a time that has passed", { issuedMs: Date.now() - 120_000 }],
  ["a time that has not come", { issuedMs: Date.now() + 3_600_000 }],
];

test.each(WRONGS)("signed with %s it does not count", async (_, wish) => {
  const call = home.clients.rollout.createOverride(signedOverride(OVERRIDE, 60, wish), home.clients.operator);
  expect(await refusedWith(call)).toBe(INVALID);
});

test("a brake's or another kind's signature over the same words does not count, nor do bytes that are none", async () => {
  const { rollout, operator } = home.clients;
  const request = signedOverride(OVERRIDE, 60);
  const { payload } = JSON.parse(Buffer.from(request.statement ?? []).toString()) as { payload: string };
  const brake = signStatement("brake", { payload: Buffer.from(payload, "base64") }, OPERATOR_KEY.privateKey);
  for (const statement of [brake, new Uint8Array([1, 2]), new Uint8Array(70_000)]) {
    expect(await refusedWith(rollout.createOverride({ ...request, statement }, operator))).toBe(INVALID);
  }
});

test("one statement takes effect once, also after its override was ended; the log has it with its operator's name", async () => {
  const { rollout, operator } = home.clients;
  const request = signedOverride(OVERRIDE, 60);
  const first = await rollout.createOverride({ ...request, requestId: "one" }, operator);
  await rollout.deleteOverride({ name: first.override?.name ?? "" }, operator);
  await rollout.createOverride({ ...request, requestId: "two" }, operator);
  await rollout.createOverride(request, operator);
  expect((await rollout.listOverrides({}, operator)).overrides).toEqual([]);
  await home.down();
  const db = new DatabaseSync(home.storePath, { readOnly: true });
  const leaves = db.prepare("SELECT kind, leaf FROM audit WHERE kind LIKE 'override%' ORDER BY seq").all();
  db.close();
  await home.up();
  expect(leaves.map(({ kind }) => kind)).toEqual(["override", "override-ended"]);
  const [made] = leaves.map(({ leaf }) => JSON.parse(String(leaf)) as object);
  const statement = Buffer.from(request.statement ?? []).toString("base64");
  expect(made).toMatchObject({ reason: "leak", by: "local-operator", statement });
});

test("it holds no longer than was signed, however long its request was under way", async () => {
  const issuedMs = Date.now() - 50_000;
  const request = signedOverride(OVERRIDE, 60, { issuedMs });
  const { override } = await home.clients.rollout.createOverride(request, home.clients.operator);
  expect(Number(override?.expireTime?.seconds)).toBe(Math.floor((issuedMs + 60_000) / 1000));
});
