import { afterEach, beforeEach, expect, test } from "vitest";
import { writeBrakeStatement } from "@moult/contracts";
import { Decision, NodeState } from "@moult/contracts/v1";
import { CALL_MS } from "../testing/clients.ts";
import { COMPANY_RPS, TestCoordinator } from "../testing/coordinator.ts";
import { NETWORK, buildOf } from "../testing/network.ts";
import { TestDevice, WORKING } from "../testing/device.ts";
import { refused, refusedWith } from "../testing/refusal.ts";
import { until } from "../testing/wait.ts";
import { type Store, StoreError } from "../store/port.ts";
import { signedOverride } from "../testing/override.ts";

const UNAVAILABLE = "UNAVAILABLE STORE_UNAVAILABLE";

/** What the store is to do with the next batches and loads. */
let broken: boolean;
let home: TestCoordinator;

function breakable(store: Store): Store {
  const guard = (): void => {
    if (broken) throw new StoreError("UNWRITABLE", "the disk is full");
  };
  return {
    ...store,
    async commit(batch) {
      guard();
      await store.commit(batch);
    },
    async load() {
      guard();
      return store.load();
    },
  };
}

beforeEach(async () => {
  broken = false;
  home = await TestCoordinator.start({ around: breakable });
});
afterEach(async () => {
  broken = false;
  await home.stop();
});

/** Lets the store work again, and waits until the coordinator has found out. */
async function mended(): Promise<void> {
  broken = false;
  const { fleet, viewer } = home.clients;
  await until("the ledger is loaded again", async () => {
    const answer = await fleet.listPools({}, viewer).catch(() => undefined);
    return answer;
  });
}

test("while the store fails every call is told so, and when to come again", async () => {
  const device = await home.device();
  const { rollout, fleet, releases, membership, viewerToken, viewer, operator } = home.clients;
  broken = true;
  const first = await refused(rollout.engageBrake({ reason: "smoke" }, operator));
  expect(`${first.code} ${first.reason}`).toBe(UNAVAILABLE);
  expect(first.retryAfterMs).toBe(2000);
  const calls = [
    device.ask(),
    device.pulse(),
    device.openSession(),
    fleet.listNodes({}, viewer),
    fleet.getNode({ name: device.node }, viewer),
    fleet.listPools({}, viewer),
    fleet.explainNode({ name: device.node }, viewer),
    fleet.createEnrollmentToken({ pool: "pools/home", uses: 1, ttlS: 1 }, operator),
    releases.listReleases({}, viewer),
    releases.getRelease({ name: "releases/1" }, viewer),
    rollout.getBrake({}, viewer),
    rollout.listOverrides({}, viewer),
    rollout.getDial({ release: "releases/1" }, viewer),
    rollout.nudgeNodes({}, operator),
    new Promise((_, reject) => membership.watch({}, { bearer: viewerToken }).on("error", reject)),
  ];
  expect(new Set(await Promise.all(calls.map(refusedWith)))).toEqual(new Set([UNAVAILABLE]));
  await mended();
  expect(home.logged.some((line) => line.message === "the ledger was loaded again")).toBe(true);
});

test("nothing of what was refused is kept: brake, dial, token, override, use of a token", async () => {
  const build = buildOf("2.0.0", 2);
  await home.release(build, "2.0.0");
  const { rollout, fleet, operator } = home.clients;
  const enrollmentToken = await home.token("home", 1);
  const late = new TestDevice(home.clients);
  const proof = await late.prove();
  broken = true;
  const refusals = await Promise.all(
    [
      rollout.engageBrake({ reason: "smoke" }, operator),
      rollout.setDial({ dial: { release: "releases/2.0.0", setting: { case: "nobody", value: {} } } }, operator),
      rollout.createOverride(signedOverride({ pool: "pools/home", reason: "drill", deficitMaxRps: 1 }, 60), operator),
      home.clients.agent.enroll({ proof, enrollmentToken }, { timeoutMs: CALL_MS }),
      fleet.createEnrollmentToken({ pool: "pools/home", uses: 1, ttlS: 60 }, operator),
    ].map(refusedWith),
  );
  expect(new Set(refusals)).toEqual(new Set([UNAVAILABLE]));
  await mended();
  expect((await rollout.getBrake({}, operator)).brake?.engaged).toBe(false);
  expect((await rollout.getDial({ release: "releases/2.0.0" }, operator)).dial?.setting.case).toBe("everyone");
  expect((await rollout.listOverrides({}, operator)).overrides).toEqual([]);
  expect((await fleet.listNodes({}, operator)).nodes).toEqual([]);
  await late.enrol(enrollmentToken);
});

test("a list or a brake that was not written is not carried, narrows nothing, and can be handed in again", async () => {
  const build = buildOf("2.0.0", 2);
  await home.release(build, "2.0.0");
  const { metadata, releases, publisher, breaker, viewer } = home.clients;
  const files = [...home.network.recall(build.digest)];
  const [issuedMs, expiresMs] = [home.now(), home.now() + 60_000];
  const said = { network: NETWORK, issuedMs, expiresMs, body: { reason: "smoke" } };
  const statement = home.network.brake(writeBrakeStatement(said));
  broken = true;
  const refusals = [
    metadata.publishMetadata({ files }, publisher),
    metadata.submitBrake({ statement }, breaker),
    metadata.getMetadata({ role: "timestamp" }, { timeoutMs: CALL_MS }),
  ];
  expect(new Set(await Promise.all(refusals.map(refusedWith)))).toEqual(new Set([UNAVAILABLE]));
  expect((await home.clients.http("GET", "/v1/metadata/timestamp.json")).status).toBe(503);
  await mended();
  const listed = async (): Promise<unknown> => {
    const { release } = await releases.getRelease({ name: "releases/2.0.0" }, viewer);
    const { files: roles, brakes } = await metadata.getMetadataStatus({}, viewer);
    return [release?.builds[0]?.listed, Number(roles.at(-1)?.version), brakes.length];
  };
  expect(await listed()).toEqual([true, 1, 0]);
  await metadata.publishMetadata({ files }, publisher);
  await metadata.submitBrake({ statement }, breaker);
  expect(await listed()).toEqual([false, 2, 1]);
});

test("a repeat of a request that was refused is not taken for one that was answered", async () => {
  await home.release(buildOf("2.0.0", 2), "2.0.0");
  const { rollout, operator } = home.clients;
  const request = {
    dial: { release: "releases/2.0.0", setting: { case: "nobody" as const, value: {} } },
    requestId: "turn-1",
  };
  broken = true;
  expect(await refusedWith(rollout.setDial(request, operator))).toBe(UNAVAILABLE);
  expect(await refusedWith(rollout.setDial(request, operator))).toBe(UNAVAILABLE);
  await mended();
  expect((await rollout.getDial({ release: "releases/2.0.0" }, operator)).dial?.setting.case).toBe("everyone");
  expect((await rollout.setDial(request, operator)).dial?.setting.case).toBe("nobody");
});

test("no permit is granted that is not written, and the node that was refused works on", async () => {
  const build = buildOf("2.0.0", 2);
  await home.release(build, "2.0.0");
  const mover = await home.device();
  const company = await home.company();
  await mover.pulse();
  broken = true;
  expect(await refusedWith(mover.ask({ stagedDigest: build.digest }))).toBe(UNAVAILABLE);
  await mended();
  const { node } = await home.clients.fleet.getNode({ name: mover.node }, home.clients.viewer);
  expect(node?.permit).toBeUndefined();
  expect(await mover.pulse()).toBe(NodeState.SERVING);
  for (const device of company) await device.pulse({ ...WORKING, capacityRps: COMPANY_RPS });
  expect((await mover.ask({ stagedDigest: build.digest })).decision).toBe(Decision.GO);
});
