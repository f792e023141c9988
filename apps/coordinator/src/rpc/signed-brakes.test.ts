import { create } from "@bufbuild/protobuf";
import { type BrakeBody, type StatementFacts, writeBrakeStatement } from "@moult/contracts";
import { AttendRequestSchema, type AttendResponse, Decision, Reason } from "@moult/contracts/v1";
import { type KeyPair, generateKey } from "@moult/trust";
import { signStatement } from "@moult/trust/statement";
import { publicHex } from "@moult/trust/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { COMPANY_RPS, TestCoordinator } from "../testing/coordinator.ts";
import { type TestDevice, WORKING } from "../testing/device.ts";
import { type TestBuild, NETWORK, buildOf } from "../testing/network.ts";
import { refused, refusedWith } from "../testing/refusal.ts";
import { type Listened, listen } from "../testing/stream.ts";

const INVALID = "INVALID_ARGUMENT STATEMENT_INVALID";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let home: TestCoordinator;
let mover: TestDevice;
let build: TestBuild;
beforeEach(async () => {
  home = await TestCoordinator.start();
  build = buildOf("2.0.0", 2);
  await home.release(build, "2.0.0");
  mover = await home.device();
  for (const device of [...(await home.company()), mover]) {
    await device.pulse({ ...WORKING, capacityRps: COMPANY_RPS, loadRps: 0 });
  }
});
afterEach(() => home.stop());

type Said = Partial<StatementFacts<BrakeBody>>;

/** A brake for an hour. */
function brake(said: Said = {}, key: KeyPair = home.network.keys.breaker): Uint8Array {
  const issuedMs = home.now();
  const facts = { network: NETWORK, issuedMs, expiresMs: issuedMs + HOUR_MS, body: { reason: "boot loops" }, ...said };
  return home.network.brake(writeBrakeStatement(facts), key);
}

async function submit(statement: Uint8Array): Promise<string> {
  const { brake: held } = await home.clients.metadata.submitBrake({ statement }, home.clients.breaker);
  return held?.digest ?? "";
}

async function answer(more = {}): Promise<string> {
  const verdict = await mover.ask({ stagedDigest: build.digest, ...more });
  const refusal = verdict.gates.find(({ passed }) => !passed);
  return refusal === undefined ? Decision[verdict.decision] : Reason[refusal.reason];
}

async function carried(): Promise<readonly Buffer[]> {
  const { brakes } = await home.clients.metadata.getMetadata({ role: "timestamp" }, { timeoutMs: 10_000 });
  const { body } = await home.clients.http("GET", "/v1/metadata/brakes.json");
  const mirrored = (JSON.parse(body.toString()) as string[]).map((text) => Buffer.from(text, "base64"));
  expect(mirrored).toEqual(brakes.map((statement) => Buffer.from(statement)));
  return mirrored;
}

test("a breaker's brake refuses at gate 2, travels by every channel, outlives a restart, and ends by itself", async () => {
  const statement = brake();
  const digest = await submit(statement);
  const verdict = await mover.ask({ stagedDigest: build.digest });
  expect([verdict.decision, verdict.gates[1]?.reason]).toEqual([Decision.STAY, Reason.BRAKED]);
  expect(verdict.brakes.map((one) => Buffer.from(one))).toEqual([Buffer.from(statement)]);
  expect(verdict.timestampVersion).toBe(1n);
  expect(await carried()).toEqual([Buffer.from(statement)]);
  const { brakes } = await home.clients.metadata.getMetadataStatus({}, home.clients.viewer);
  expect(brakes).toMatchObject([{ digest, reason: "boot loops" }]);
  await home.down();
  await home.up();
  mover.clients = home.clients;
  expect(await answer()).toBe("BRAKED");
  const explained = await home.clients.fleet.explainNode({ name: mover.node }, home.clients.viewer);
  expect(explained.gates[1]?.reason).toBe(Reason.BRAKED);
  home.putForward(HOUR_MS);
  await mover.openSession();
  await home.publish(home.network.publish());
  expect(await answer()).not.toBe("BRAKED");
  expect(await carried()).toEqual([]);
});

test("a node that has drained is stopped, and those who attend hear of it", async () => {
  const go = await mover.ask({ stagedDigest: build.digest });
  expect(go.decision).toBe(Decision.GO);
  const attending = await home.device();
  const stream = attending.clients.agent.attend({ bearer: attending.token });
  const heard: Listened<AttendResponse> = listen(stream);
  const pulse = attending.reportRequest({ case: "pulse", value: { situation: WORKING } });
  stream.write(create(AttendRequestSchema, { message: { case: "report", value: pulse } }));
  const statement = brake();
  await submit(statement);
  const { message } = await heard.find("the brake", (notice) => notice.message.case === "brake");
  if (message.case !== "brake") throw new Error("no brake");
  expect(message.value).toMatchObject({ engaged: true, reason: "boot loops" });
  expect(message.value.brakes.map((one) => Buffer.from(one))).toEqual([Buffer.from(statement)]);
  const drained = { permitId: go.permit?.permitId ?? "", drained: true };
  expect(await answer(drained)).toBe("BRAKED");
  heard.cancel();
  const late = listen(mover.clients.agent.attend({ bearer: mover.token }));
  await late.find("the brake", (notice) => notice.message.case === "brake" && notice.message.value.engaged);
  late.cancel();
});

test("letting the operators' brake go does not end a breaker's; the council ends it, and it does not come back", async () => {
  const { rollout, operator } = home.clients;
  await rollout.engageBrake({ reason: "smoke" }, operator);
  const statement = brake();
  const digest = await submit(statement);
  await rollout.releaseBrake({ reason: "steam" }, operator);
  expect(await answer()).toBe("BRAKED");
  await home.publish(home.network.lift(digest));
  expect(await answer()).toBe("GO");
  expect(await refusedWith(submit(statement))).toBe(INVALID);
  await home.down();
  await home.up();
  expect(await carried()).toEqual([]);
});

test("a root that drops a breaker ends its brakes", async () => {
  await submit(brake());
  const root = home.network.rotate({ breakers: [] });
  await home.publish([root, ...home.network.publish()]);
  expect(await answer()).toBe("GO");
  expect(await refusedWith(submit(brake()))).toBe(INVALID);
});

test("what is no breaker's word, of this network and of this time, is refused", async () => {
  const { keys } = home.network;
  const now = home.now();
  const others = [keys.stranger, keys.publisher, ...keys.council, ...keys.root];
  for (const key of others) expect(await refusedWith(submit(brake({}, key)))).toBe(INVALID);
  const said: readonly Said[] = [
    { network: "other" },
    { issuedMs: now - 2 * HOUR_MS, expiresMs: now - HOUR_MS },
    { issuedMs: now, expiresMs: now + 7 * DAY_MS + 1 },
    { issuedMs: now + 365 * DAY_MS, expiresMs: now + 366 * DAY_MS },
  ];
  for (const wrong of said) expect(await refusedWith(submit(brake(wrong)))).toBe(INVALID);
  const payload = writeBrakeStatement({
    network: NETWORK,
    issuedMs: now,
    expiresMs: now + HOUR_MS,
    body: { reason: "x" },
  });
  const { privateKey } = keys.breaker;
  expect(await refusedWith(submit(signStatement("override", { payload }, privateKey)))).toBe(INVALID);
  const garbage = signStatement("brake", { payload: new Uint8Array([255, 255]) }, privateKey);
  expect(await refusedWith(submit(garbage))).toBe(INVALID);
  for (const junk of ["", "{}", "x".repeat(100_000)]) {
    expect(await refusedWith(submit(Buffer.from(junk)))).toBe(INVALID);
  }
  const altered = Buffer.from(brake())
    .toString()
    .replace(/"payload":"../, '"payload":"AA');
  expect(await refusedWith(submit(Buffer.from(altered)))).toBe(INVALID);
  expect(await answer()).toBe("GO");
});

test("repeated it is one brake; one breaker holds eight, and a ninth is refused and held nowhere", async () => {
  const statement = brake();
  const digest = await submit(statement);
  expect(await submit(statement)).toBe(digest);
  expect(await carried()).toHaveLength(1);
  for (let n = 1; n < 8; n += 1) await submit(brake({ body: { reason: `smoke ${n}` } }));
  const refusal = await refused(submit(brake({ body: { reason: "one more" } })));
  expect([refusal.code, refusal.reason]).toEqual(["RESOURCE_EXHAUSTED", "OVERLOADED"]);
  expect(refusal.retryAfterMs).toBeGreaterThan(HOUR_MS - 60_000);
  expect(await submit(statement)).toBe(digest);
  expect(await carried()).toHaveLength(8);
  const verdict = await mover.ask({ stagedDigest: build.digest });
  expect(verdict.brakes).toHaveLength(8);
  home.putForward(HOUR_MS);
  await submit(brake({ body: { reason: "the first have ended" } }));
});

test("a thief with a breaker's key leaves the others their places, also in verdicts; dropped, it takes none", async () => {
  const [thief, honest] = [home.network.keys.breaker, generateKey()];
  const week = { expiresMs: home.now() + 7 * DAY_MS };
  await home.publish([home.network.rotate({ breakers: [publicHex(thief), publicHex(honest)] })]);
  const own = brake({ body: { reason: "2.0.0 loses data" } }, honest);
  await submit(own);
  for (let n = 0; n < 8; n += 1) await submit(brake({ ...week, body: { reason: `pay us ${n}` } }, thief));
  const another = brake({ ...week, body: { reason: "pay us more" } }, thief);
  expect(await refusedWith(submit(another))).toBe("RESOURCE_EXHAUSTED OVERLOADED");
  const second = brake({ body: { reason: "and more data" } }, honest);
  await submit(second);
  const { brakes } = await mover.ask({ stagedDigest: build.digest });
  expect(brakes.some((one) => [own, second].some((mine) => Buffer.compare(one, mine) === 0))).toBe(true);
  await home.publish([home.network.rotate({ breakers: [publicHex(honest)] })]);
  for (let n = 0; n < 6; n += 1) await submit(brake({ body: { reason: `smoke ${n}` } }, honest));
  expect(await carried()).toHaveLength(8);
  await home.down();
  await home.up();
  expect(await carried()).toHaveLength(8);
});

test("brakes that the council lifted leave their places", async () => {
  const digests: string[] = [];
  for (let n = 0; n < 8; n += 1) digests.push(await submit(brake({ body: { reason: `smoke ${n}` } })));
  await home.publish(home.network.lift(...digests));
  await submit(brake({ body: { reason: "again" } }));
  expect(await answer()).toBe("BRAKED");
});
