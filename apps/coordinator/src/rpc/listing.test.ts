/** What the council's list does to releases, over the socket: recall, coming back, retreat, cohort bounds. */
import { DatabaseSync } from "node:sqlite";
import { Decision, Reason } from "@moult/contracts/v1";
import { digestOf } from "@moult/trust";
import { withinCohort } from "@moult/trust/tuf";
import { isWithinPpm, sharePosition } from "@moult/policy";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { COMPANY_RPS, TestCoordinator } from "../testing/coordinator.ts";
import { type TestDevice, WORKING } from "../testing/device.ts";
import { type TestBuild, buildOf, enveloped } from "../testing/network.ts";
import { refusedWith } from "../testing/refusal.ts";

const SEED = "c3".repeat(32);
const HOUR_MS = 3_600_000;

let home: TestCoordinator;
let mover: TestDevice;
let build: TestBuild;
beforeEach(async () => {
  home = await TestCoordinator.start();
  build = buildOf("2.0.0", 2);
});
afterEach(() => home.stop());

/** A node with much company, so that gate 3 lets it go. */
async function populate(): Promise<void> {
  mover = await home.device();
  for (const device of [...(await home.company()), mover]) {
    await device.pulse({ ...WORKING, capacityRps: COMPANY_RPS, loadRps: 0 });
  }
}

async function answer(more = {}): Promise<string> {
  const verdict = await mover.ask({ stagedDigest: build.digest, ...more });
  const refusal = verdict.gates.find(({ passed }) => !passed);
  return refusal === undefined ? Decision[verdict.decision] : Reason[refusal.reason];
}

async function shown(version = "2.0.0"): Promise<object | undefined> {
  const { releases, viewer } = home.clients;
  const { release } = await releases.getRelease({ name: `releases/${version}` }, viewer);
  return release && { recalled: release.recalled, listed: release.builds.map(({ listed }) => listed) };
}

test("a build that leaves the list is recalled with the list's publication, also for who has drained", async () => {
  await home.release(build, "2.0.0");
  await populate();
  const go = await mover.ask({ stagedDigest: build.digest });
  expect(go.decision).toBe(Decision.GO);
  await home.publish(home.network.recall(build.digest));
  expect(await shown()).toEqual({ recalled: true, listed: [false] });
  expect(await answer({ permitId: go.permit?.permitId ?? "", drained: true })).toBe("NOT_LISTED");
  const again = home.clients.releases.publishRelease({ signedManifests: [enveloped(build)] }, home.clients.operator);
  expect(await refusedWith(again)).toBe("FAILED_PRECONDITION BUILD_NOT_LISTED");
  await home.down();
  await home.up();
  mover.clients = home.clients;
  expect(await shown()).toEqual({ recalled: true, listed: [false] });
  await home.allow(build);
  expect(await shown()).toEqual({ recalled: false, listed: [true] });
});

test("the list and the recall that it means are one batch of the log, with the digests of what was signed", async () => {
  await home.release(build, "2.0.0");
  const files = home.network.recall(build.digest);
  await home.publish(files);
  await home.down();
  const db = new DatabaseSync(home.storePath, { readOnly: true });
  const rows = db.prepare("SELECT kind, at_ms, leaf FROM audit WHERE pool_id = '*' ORDER BY seq DESC LIMIT 4").all();
  db.close();
  expect(rows.map(({ kind }) => kind)).toEqual(["release", "metadata", "metadata", "metadata"]);
  expect(new Set(rows.map(({ at_ms: atMs }) => atMs)).size).toBe(1);
  const leaves = rows.slice(1).map(({ leaf }) => JSON.parse(String(leaf)) as object);
  const wanted = ["timestamp", "snapshot", "targets"].map((role, n) => {
    const bytes = files[2 - n] ?? new Uint8Array();
    const whole = role === "targets" ? { file: Buffer.from(bytes).toString("base64") } : {};
    return { role, version: 2, sha256: digestOf(bytes), lengthBytes: bytes.length, ...whole, by: "local-publisher" };
  });
  expect(leaves).toEqual(wanted);
});

test("an operator's recall is not undone by the list", async () => {
  await home.release(build, "2.0.0");
  const { releases, operator } = home.clients;
  await releases.recallRelease({ name: "releases/2.0.0", reason: "wrong" }, operator);
  await home.publish(home.network.recall(build.digest));
  await home.allow(build);
  expect(await shown()).toEqual({ recalled: true, listed: [true] });
});

test("counter and from-versions are the list's, whatever the manifest says", async () => {
  const word = { releaseCounter: 7, fromVersions: ["1.5.0"] };
  await home.upload(build);
  await home.publish(home.network.allow(home.network.entry(build.manifest, word)));
  const { releases, rollout, operator } = home.clients;
  const { release } = await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
  expect([release?.releaseCounter, release?.builds[0]?.fromVersions]).toEqual([7n, ["1.5.0"]]);
  const setting = { case: "everyone" as const, value: {} };
  await rollout.setDial({ dial: { release: "releases/2.0.0", setting } }, operator);
  await populate();
  expect(await answer()).toBe("FROM_VERSION");
  expect(await answer({ runningVersion: "1.5.0", runningReleaseCounter: 7n })).toBe("UP_TO_DATE");
  expect(await answer({ runningVersion: "1.5.0", runningReleaseCounter: 6n })).toBe("GO");
});

test("a list that says another platform, version or length than the manifest makes no release of it", async () => {
  await home.upload(build);
  const entry = home.network.entry(build.manifest);
  const wrongs = [
    { ...entry, platform: { os: "linux", arch: "arm64" } },
    { ...entry, version: "2.0.1" },
    { ...entry, lengthBytes: entry.lengthBytes + 1 },
  ];
  for (const [n, wrong] of wrongs.entries()) {
    if (n > 0) await home.publish(home.network.recall(build.digest));
    await home.publish(home.network.allow(wrong));
    const publish = home.clients.releases.publishRelease(
      { signedManifests: [enveloped(build)] },
      home.clients.operator,
    );
    expect(await refusedWith(publish)).toBe("INVALID_ARGUMENT MANIFEST_INVALID");
  }
});

test("the council's bound holds at gate 2 until the step that lets the node in, and survives a restart", async () => {
  await populate();
  const nodeId = mover.node.slice("nodes/".length);
  const positionPpm = sharePosition(SEED, nodeId) * 1e6;
  // Signed times are whole seconds.
  const nowMs = Math.floor(home.now() / 1000) * 1000;
  const steps = [
    { notBeforeMs: nowMs - HOUR_MS, sharePpm: Math.floor(positionPpm) },
    { notBeforeMs: nowMs + HOUR_MS, sharePpm: Math.ceil(positionPpm) },
  ];
  const cohort = { seed: SEED, steps };
  await home.upload(build);
  await home.publish(home.network.allow(home.network.entry(build.manifest, { cohort })));
  const { releases, rollout, operator } = home.clients;
  await releases.publishRelease({ signedManifests: [enveloped(build)] }, operator);
  const setting = { case: "named" as const, value: { nodes: [mover.node] } };
  await rollout.setDial({ dial: { release: "releases/2.0.0", setting } }, operator);
  const verdict = await mover.ask({ stagedDigest: build.digest });
  expect(verdict.gates[1]).toMatchObject({ reason: Reason.OUTSIDE_COHORT, measures: [{ name: "share_ppm" }] });
  await home.down();
  await home.up();
  mover.clients = home.clients;
  expect(await answer()).toBe("OUTSIDE_COHORT");
  home.putForward(HOUR_MS + 1000);
  await mover.openSession();
  expect(await answer()).not.toBe("OUTSIDE_COHORT");
});

test("inside and outside are the same to the coordinator and to devices, to the last place", () => {
  const cases = fc.record({
    seed: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
    nodeId: fc.string({ unit: "binary", maxLength: 64 }),
    sharePpm: fc.nat(1_000_000),
    nearby: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ seed, nodeId, sharePpm, nearby }) => {
      const share = nearby ? Math.round(sharePosition(seed, nodeId) * 1e6) : sharePpm;
      const bound = { seed, steps: [{ notBeforeMs: 0, sharePpm: share }] };
      expect(isWithinPpm(seed, nodeId, share)).toBe(withinCohort(bound, nodeId, 1));
    }),
    { numRuns: 2000 },
  );
});
