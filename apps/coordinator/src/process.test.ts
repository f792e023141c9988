import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Decision, NodeState, OutcomeKind, PermitPhase, WorkState } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hashOf } from "./identity/operators.ts";
import { CALL_MS } from "./testing/clients.ts";
import { makeFolder, writeConfig } from "./testing/coordinator.ts";
import { buildOf, enveloped, networkAt } from "./testing/network.ts";
import { TestDevice, WORKING } from "./testing/device.ts";
import { CoordinatorProcess, type Ending } from "./testing/process.ts";
import { refusalOf, refusedWith } from "./testing/refusal.ts";
import { listen } from "./testing/stream.ts";
import { until } from "./testing/wait.ts";
import { signedOverride } from "./testing/override.ts";

let folder: string;
let state: string;
const network = networkAt();
const started: CoordinatorProcess[] = [];
beforeEach(() => {
  folder = makeFolder();
  state = join(folder, "state");
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
  rmSync(folder, { recursive: true, force: true });
});

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): CoordinatorProcess {
  const process = new CoordinatorProcess(args, env);
  started.push(process);
  return process;
}

async function serve(): Promise<CoordinatorProcess> {
  const process = run(["--config", writeConfig(folder, {}, network)]);
  await process.serves(state);
  return process;
}

test("everything that was answered survives kill -9", async () => {
  const first = await serve();
  const { fleet, releases, rollout, operator, operatorToken, http } = first.clients;
  const token = await fleet.createEnrollmentToken({ pool: "pools/home", uses: 4, ttlS: 3600 }, operator);
  const devices = [1, 2, 3].map(() => new TestDevice(first.clients));
  for (const device of devices) {
    await device.enrol(token.enrollmentToken);
    await device.openSession();
  }
  const [mover, pulsing, departed] = devices as [TestDevice, TestDevice, TestDevice];
  // One that said it was starting when it asked, and by a pulse only that it serves.
  await pulsing.ask({ situation: { ...WORKING, workState: WorkState.STARTING } });
  await pulsing.pulse({ ...WORKING, endpoint: "10.0.0.2:80" });
  const build = buildOf("2.0.0", 2);
  for (const [digest, body] of build.parts) {
    await http("PUT", `/v1/parts/${digest}`, { body, headers: { authorization: `Bearer ${operatorToken}` } });
  }
  const files = [...network.allow(network.entry(build.manifest))];
  await first.clients.metadata.publishMetadata({ files }, first.clients.publisher);
  const published = await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
  const dial = { release: "releases/2.0.0", setting: { case: "named" as const, value: { nodes: [mover.node] } } };
  const turned = await rollout.setDial({ dial, requestId: "turn-1" }, operator);
  const override = { pool: "pools/home", reason: "drill", deficitMaxRps: 1000 };
  const overridden = await rollout.createOverride(signedOverride(override, 600), operator);
  await departed.ask();
  await mover.ask();
  const go = await mover.ask({ stagedDigest: build.digest });
  expect(go.permit?.phase).toBe(PermitPhase.DRAINING);
  const permitId = go.permit?.permitId ?? "";
  const outcome = { targetDigest: build.digest, kind: OutcomeKind.FAILED, situation: WORKING };
  const { runningDigest = "", runningVersion = "" } = departed.askRequest();
  await departed.report({ case: "outcome", value: { ...outcome, runningDigest, runningVersion } });
  await rollout.engageBrake({ reason: "smoke" }, operator);
  await first.end("SIGKILL");

  const second = await serve();
  const again = second.clients;
  for (const device of devices) device.clients = again;
  const watch = listen(again.membership.watch({}, { bearer: again.viewerToken }));
  const { members } = await watch.find("the snapshot", (message) => message.snapshot);
  watch.cancel();
  const states = new Map(members.map((member) => [member.node, [NodeState[member.state], member.endpoint]]));
  expect(states.get(mover.node)?.[0]).toBe("LEAVING");
  expect(states.get(pulsing.node)).toEqual(["SERVING", "10.0.0.2:80"]);
  expect(states.get(departed.node)?.[0]).toBe("SERVING");

  expect((await again.releases.getRelease({ name: "releases/2.0.0" }, again.operator)).release).toEqual(
    published.release,
  );
  expect((await again.http("GET", `/v1/manifests/${build.digest}`)).body).toEqual(Buffer.from(enveloped(build)));
  expect((await again.rollout.getDial({ release: "releases/2.0.0" }, again.operator)).dial).toEqual(turned.dial);
  expect(await again.rollout.setDial({ dial, requestId: "turn-1" }, again.operator)).toEqual(turned);
  expect((await again.rollout.listOverrides({}, again.operator)).overrides).toEqual([overridden.override]);
  expect((await again.rollout.getBrake({}, again.operator)).brake).toMatchObject({ engaged: true, reason: "smoke" });

  // Sessions and credentials outlive the process, and the permit is still the node's.
  const { node } = await again.fleet.getNode({ name: mover.node }, again.viewer);
  expect(node?.permit?.permitId).toBe(permitId);
  expect((await mover.ask({ stagedDigest: build.digest, permitId })).decision).toBe(Decision.GO);
  await new TestDevice(again).enrol(token.enrollmentToken);
  expect(await refusedWith(new TestDevice(again).enrol(token.enrollmentToken))).toBe("UNAUTHENTICATED TOKEN_USED_UP");
});

test("killed in the middle of writing, it has every answer that it gave, and its log has no gap", async () => {
  const first = await serve();
  const { rollout, fleet, operator } = first.clients;
  await fleet.createEnrollmentToken({ pool: "pools/home", uses: 1, ttlS: 60 }, operator);
  const answered: string[] = [];
  const override = { pool: "pools/home", reason: "drill", deficitMaxRps: 1 };
  const now = Date.now();
  const all = Array.from({ length: 2000 }, async (_, nth) => {
    // Each says another time, and so is a word of its own.
    const made = await rollout.createOverride(signedOverride(override, 3600, { issuedMs: now - nth }), operator);
    answered.push(made.override?.name ?? "");
  });
  const settled = Promise.allSettled(all);
  await until("a good many answers", () => answered.length >= 300 || undefined);
  await first.end("SIGKILL");
  await settled;
  expect(answered.length).toBeLessThan(2000);

  const second = await serve();
  const { overrides } = await second.clients.rollout.listOverrides({}, second.clients.operator);
  const kept = new Set(overrides.map(({ name }) => name));
  expect(answered.filter((name) => !kept.has(name))).toEqual([]);
  await second.end("SIGTERM");
  const db = new DatabaseSync(join(state, "moult.db"), { readOnly: true });
  const log = db.prepare("SELECT COUNT(*) AS leaves, MAX(seq) AS last FROM audit WHERE pool_id = 'home'").get();
  db.close();
  expect({ ...log }).toEqual({ leaves: kept.size, last: kept.size });
});

test("SIGTERM ends it well and soon, although routers watch and devices attend", async () => {
  const process = await serve();
  const { membership, fleet, agent, viewerToken, operator } = process.clients;
  const device = new TestDevice(process.clients);
  const { enrollmentToken } = await fleet.createEnrollmentToken({ pool: "pools/a", uses: 1, ttlS: 60 }, operator);
  await device.enrol(enrollmentToken);
  await device.openSession();
  const attended = listen(agent.attend({ bearer: device.token }));
  const watched = listen(membership.watch({}, { bearer: viewerToken }));
  await watched.find("the snapshot", (message) => message.snapshot);
  await device.pulse();
  await watched.find("the pulse", (message) => message.members.length > 0);
  process.stop();
  await attended.find("the drain notice", ({ message }) => message.case === "drain");
  const { code, stderr } = await process.ended;
  expect([code, stderr]).toEqual([0, ""]);
  // Ended by the coordinator itself; streams that are cut by force carry no reason.
  const reason = await refusedWith(Promise.reject(watched.error() ?? new Error("no error")));
  expect(reason).toBe("UNAVAILABLE STOPPING");
  expect(() => readFileSync(join(state, "endpoints.json"))).toThrow("ENOENT");
});

/** A process that must not start: its code, and its one sentence. */
async function refusal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  return run(args, env).ended;
}

test("a store that is held, another network's, newer, or none at all is refused with one sentence and code 3", async () => {
  const holder = await serve();
  const held = await refusal(["--config", writeConfig(folder, {}, network)]);
  expect([held.code, held.stderr.trim().split("\n")]).toEqual([
    3,
    [`the store at ${join(state, "moult.db")} cannot be opened: another coordinator holds it`],
  ]);
  await holder.end("SIGTERM");
  const other = await refusal(["--config", writeConfig(folder, { network: "other" })]);
  expect(other.code).toBe(3);
  expect(other.stderr).toMatch(/^the store at .* belongs to network "demo", not to "other": .*\n$/);
  const db = new DatabaseSync(join(state, "moult.db"));
  db.exec("PRAGMA user_version = 999");
  db.close();
  const newer = await refusal(["--config", writeConfig(folder, {}, network)]);
  expect(newer.code).toBe(3);
  expect(newer.stderr).toMatch(/^the store at .* is of version 999; .*: run a newer one\n$/);
  rmSync(join(state, "moult.db-wal"), { force: true });
  rmSync(join(state, "moult.db-shm"), { force: true });
  writeFileSync(join(state, "moult.db"), "this is no database, and it is long enough to be taken for one".repeat(20));
  const garbage = await refusal(["--config", writeConfig(folder, {}, network)]);
  expect(garbage.code).toBe(3);
  expect(garbage.stderr).toMatch(/^the store at .* cannot be opened: .*\n$/);
});

test("a port that is taken, or a configuration that is wrong, is refused with code 2", async () => {
  const holder = await serve();
  const { grpc, artifacts } = JSON.parse(readFileSync(join(state, "endpoints.json"), "utf8")) as Record<string, string>;
  await holder.clients.fleet.listPools({}, holder.clients.operator);
  const elsewhere = { state_dir: join(folder, "elsewhere") };
  const port = (address: string | undefined): number => Number(address?.split(":").at(-1));
  const [taken, takenToo, nothing, wrong] = await Promise.all([
    refusal(["--config", writeConfig(makeSub("a"), { ...elsewhere, grpc: { port: port(grpc) } })]),
    refusal([
      "--config",
      writeConfig(makeSub("b"), { state_dir: join(folder, "b2"), artifacts: { port: port(artifacts) } }),
    ]),
    refusal([]),
    refusal(["--config", writeConfig(makeSub("c"), { capacity: { margin_ratio: -1 } })]),
  ]);
  expect([taken.code, taken.stderr]).toEqual([
    2,
    expect.stringMatching(/^grpc: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n$/m),
  ]);
  expect([takenToo.code, takenToo.stderr]).toEqual([
    2,
    expect.stringMatching(/^artifacts: cannot listen on 127\.0\.0\.1:\d+: .*\n$/),
  ]);
  expect([nothing.code, nothing.stderr]).toEqual([2, "say where the configuration is: --config FILE\n"]);
  expect([wrong.code, wrong.stderr]).toEqual([
    2,
    expect.stringMatching(/ cannot be used:\n {2}capacity\.margin_ratio: .*\n$/),
  ]);
});

function makeSub(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

test("on SIGHUP the table of operators is read again: who is not in it any more is refused, without a restart", async () => {
  const token = "t".repeat(43);
  const table = (hash: string): void =>
    writeFileSync(join(folder, "operators.yaml"), `operators: {robot: {roles: [viewer], token_sha256: ${hash}}}\n`);
  table(hashOf(token));
  const running = await serve();
  const { fleet } = running.clients;
  const look = (): Promise<object> => fleet.listPools({}, { bearer: token, timeoutMs: CALL_MS });
  await look();
  table(hashOf("another"));
  running.signal("SIGHUP");
  const refusal = await until("the refusal", () => look().then(() => undefined, refusalOf));
  expect(refusal.reason).toBe("CREDENTIALS_MISSING");
  expect((await running.end("SIGTERM")).code).toBe(0);
});

test("with a table of operators that cannot be used it does not start, and says where it is wrong", async () => {
  writeFileSync(join(folder, "operators.yaml"), "operators: {robot: {roles: [boss], token_sha256: x}}");
  const { code, stderr } = await run(["--config", writeConfig(folder)]).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("operators.robot.roles.0: one of viewer");
});
