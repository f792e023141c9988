import { Decision, Gate, NodeState, OutcomeKind, PermitPhase, Reason, WorkState } from "@moult/contracts/v1";
import { afterEach, beforeEach, expect, test } from "vitest";
import { COMPANY, COMPANY_RPS, TestCoordinator } from "../testing/coordinator.ts";
import { type TestBuild, buildOf, enveloped } from "../testing/network.ts";
import { type TestDevice, WORKING } from "../testing/device.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";
import { signedOverride } from "../testing/override.ts";

const DRAINED = { ...WORKING, loadRps: 0, workState: WorkState.DRAINING };
const PERMIT_TTL_MS = 60_000;
const SPARE_RPS = COMPANY * COMPANY_RPS;

let home: TestCoordinator;
let mover: TestDevice;
let build: TestBuild;
beforeEach(async () => {
  home = await TestCoordinator.start({ config: { capacity: { permit_ttl_ms: PERMIT_TTL_MS } } });
  mover = await home.device();
  await home.company();
  build = buildOf("2.0.0", 2);
});
afterEach(() => home.stop());

function running(): object {
  return { runningDigest: build.digest, runningVersion: "2.0.0", runningReleaseCounter: 2n };
}

async function granted(): Promise<string> {
  const verdict = await mover.ask({ stagedDigest: build.digest });
  expect(verdict.permit?.phase).toBe(PermitPhase.DRAINING);
  return verdict.permit?.permitId ?? "";
}

async function stateOf(device: TestDevice): Promise<string> {
  const { node } = await home.clients.fleet.getNode({ name: device.node }, home.clients.viewer);
  return NodeState[node?.state ?? NodeState.UNSPECIFIED];
}

test("a node goes through all phases, and routers are told before it is", async () => {
  const { releases, rollout, fleet, membership, operator, viewerToken } = home.clients;
  const seen: string[] = [];
  const watch = listen(membership.watch({ pool: "pools/home" }, { bearer: viewerToken }));
  await watch.find("the snapshot", (message) => message.snapshot);
  const heard = (): void => {
    for (const { members } of watch.messages.splice(0)) {
      for (const { node, state } of members) if (node === mover.node) seen.push(NodeState[state]);
    }
  };

  await home.upload(build);
  await home.allow(build);
  await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
  const nobody = await mover.ask();
  expect(nobody.decision).toBe(Decision.STAY);
  expect(nobody.gates.map((gate) => [gate.gate, gate.passed, gate.reason])).toEqual([
    [Gate.ALLOWLIST, true, Reason.PASSED],
    [Gate.DIAL, false, Reason.DIAL_NOBODY],
  ]);
  expect(nobody.retryAfterMs).toBe(900_000);

  await rollout.setDial({ dial: { release: "releases/2.0.0", setting: { case: "everyone", value: {} } } }, operator);
  const prepare = await mover.ask();
  expect(prepare.decision).toBe(Decision.PREPARE);
  expect(prepare.target).toMatchObject({ digest: build.digest, version: "2.0.0", releaseCounter: 2n });
  expect(prepare.target?.sources).toEqual([home.running.artifacts]);
  expect(prepare.target?.manifestBytes).toBe(build.manifest.length);

  // The watcher shares the device's connection, so that what was sent first has come first.
  heard();
  const go = await mover.ask({ stagedDigest: build.digest });
  heard();
  expect(seen.at(-1)).toBe("LEAVING");
  expect(go.decision).toBe(Decision.GO);
  expect(go.gates.every((gate) => gate.passed) && go.gates.length).toBe(3);
  expect(go.permit?.phase).toBe(PermitPhase.DRAINING);
  expect(go.permit?.expiresInMs).toBeGreaterThan(PERMIT_TTL_MS - 5000);
  const permitId = go.permit?.permitId ?? "";
  expect((await mover.ask({ stagedDigest: build.digest })).permit?.permitId).toBe(permitId);

  const away = await mover.ask({ stagedDigest: build.digest, permitId, drained: true, situation: DRAINED });
  heard();
  expect([away.decision, away.permit?.phase, away.permit?.permitId]).toEqual([Decision.GO, PermitPhase.AWAY, permitId]);
  expect(seen.at(-1)).toBe("AWAY");
  const { pools } = await fleet.listPools({}, operator);
  expect(pools[0]).toMatchObject({ nodes: COMPANY + 1, onLeave: 1, capacityFreshRps: SPARE_RPS });

  const back = { permitId, situation: WORKING, runningDigest: build.digest };
  expect(await mover.report({ case: "progress", value: { ...back, phase: PermitPhase.RETURNED } })).toBe(
    NodeState.RETURNED,
  );
  const outcome = { ...running(), permitId, targetDigest: build.digest, situation: WORKING };
  const committed = { case: "outcome" as const, value: { ...outcome, kind: OutcomeKind.COMMITTED } };
  expect(await mover.report(committed)).toBe(NodeState.SERVING);
  expect(await mover.report(committed)).toBe(NodeState.SERVING);
  await until("the last change", () => {
    heard();
    return seen.at(-1) === "SERVING" || undefined;
  });
  expect(seen.filter((state, at) => state !== seen[at - 1]).slice(-5)).toEqual([
    "SERVING",
    "LEAVING",
    "AWAY",
    "RETURNED",
    "SERVING",
  ]);
  watch.cancel();

  const fleetNow = listen(fleet.watchFleet({}, { bearer: viewerToken }));
  const figures = await fleetNow.find("the figures", () => true);
  fleetNow.cancel();
  expect(figures).toMatchObject({
    committed: 1n,
    reverted: 0n,
    lost: 0n,
    nodesByVersion: { "2.0.0": 1, unknown: COMPANY },
  });
  expect(figures.refusalsByGate["DIAL"]).toBe(1n);
  expect((await mover.ask(running())).gates[0]?.reason).toBe(Reason.UP_TO_DATE);
});

test("a refusal at the re-check closes the permit, and capacity comes back with the next report", async () => {
  await home.release(build, "2.0.0");
  await mover.pulse();
  const permitId = await granted();
  await home.clients.rollout.engageBrake({ reason: "smoke" }, home.clients.operator);
  const verdict = await mover.ask({ stagedDigest: build.digest, permitId, drained: true, situation: DRAINED });
  expect(verdict.decision).toBe(Decision.STAY);
  expect(verdict.gates.at(-1)?.reason).toBe(Reason.BRAKED);
  expect(verdict.permit).toBeUndefined();
  const capacity = async (): Promise<number | undefined> =>
    (await home.clients.fleet.listPools({}, home.clients.operator)).pools[0]?.capacityFreshRps;
  expect(await capacity()).toBe(SPARE_RPS);
  expect(await mover.pulse()).toBe(NodeState.SERVING);
  expect(await capacity()).toBe(SPARE_RPS + 10);
});

test("a permit that runs out makes the node lost until it speaks, and gives no capacity back", async () => {
  await home.release(build, "2.0.0");
  await mover.pulse();
  const permitId = await granted();
  const { fleet, operator } = home.clients;
  home.putForward(PERMIT_TTL_MS + 1000);
  await until("the expiry", async () => ((await stateOf(mover)) === "LOST" ? true : undefined));
  expect((await fleet.listPools({}, operator)).pools[0]).toMatchObject({ capacityFreshRps: SPARE_RPS, onLeave: 0 });
  const late = await mover.ask({ stagedDigest: build.digest, permitId, drained: true, situation: DRAINED });
  expect([late.decision, late.permit]).toEqual([Decision.STAY, undefined]);
  expect(await mover.pulse()).toBe(NodeState.SERVING);
});

test("gate 3 says how much is short, and an override is loud about standing in for it", async () => {
  await home.release(build, "2.0.0");
  const busy = { stagedDigest: build.digest, situation: { ...WORKING, loadRps: SPARE_RPS } };
  const short = await mover.ask(busy);
  expect([short.decision, short.gates.at(-1)?.reason]).toEqual([Decision.STAY, Reason.CAPACITY_SHORT]);
  const shortfall = short.gates.at(-1)?.measures.find((measure) => measure.name === "shortfall_rps")?.value;
  expect(shortfall).toBeGreaterThan(0);
  const { rollout, operator } = home.clients;
  const override = { pool: "pools/home", nodes: [mover.node], reason: "drill", deficitMaxRps: (shortfall ?? 0) + 1 };
  await rollout.createOverride(signedOverride(override, 60), operator);
  const go = await mover.ask(busy);
  expect([go.decision, go.gates.at(-1)?.reason]).toEqual([Decision.GO, Reason.OVERRIDDEN]);
  expect(go.gates.at(-1)?.message).toContain("drill");
});

test("a reverted build is not offered to that node again", async () => {
  await home.release(build, "2.0.0");
  await mover.pulse();
  const permitId = await granted();
  await mover.ask({ stagedDigest: build.digest, permitId, drained: true, situation: DRAINED });
  const { runningDigest, runningVersion, runningReleaseCounter } = mover.askRequest();
  const value = {
    permitId,
    targetDigest: build.digest,
    kind: OutcomeKind.REVERTED,
    message: "the health check failed",
    situation: WORKING,
    ...(runningDigest === undefined ? {} : { runningDigest }),
    ...(runningVersion === undefined ? {} : { runningVersion }),
    ...(runningReleaseCounter === undefined ? {} : { runningReleaseCounter }),
  };
  expect(await mover.report({ case: "outcome", value })).toBe(NodeState.SERVING);
  const again = await mover.ask({ deniedDigests: [build.digest] });
  expect([again.decision, again.gates[0]?.reason]).toEqual([Decision.STAY, Reason.DENIED_BY_NODE]);
  const { node } = await home.clients.fleet.getNode({ name: mover.node }, home.clients.viewer);
  expect(node?.lastOutcome).toMatchObject({ kind: OutcomeKind.REVERTED, message: "the health check failed" });
});

test("explain shows all three gates where the first says no, and changes nothing", async () => {
  await home.release(build, "2.0.0");
  await mover.ask(running());
  const { fleet, rollout, viewer, operator } = home.clients;
  await rollout.engageBrake({ reason: "smoke" }, operator);
  const explained = await fleet.explainNode({ name: mover.node }, viewer);
  expect(explained.decision).toBe(Decision.STAY);
  expect(explained.gates.map((gate) => [gate.gate, gate.reason])).toEqual([
    [Gate.ALLOWLIST, Reason.UP_TO_DATE],
    [Gate.DIAL, Reason.BRAKED],
    [Gate.CAPACITY, Reason.PASSED],
  ]);
  expect(explained.gates[2]?.measures.map((measure) => measure.name)).toContain("capacity_after_rps");
  expect(explained.node?.permit).toBeUndefined();
  await rollout.releaseBrake({ reason: "it was steam" }, operator);
  await mover.ask();
  const go = await fleet.explainNode({ name: mover.node, release: "releases/2.0.0" }, viewer);
  expect([go.decision, go.target?.digest]).toEqual([Decision.GO, build.digest]);
  expect(await stateOf(mover)).toBe("SERVING");
});
