/**
 * A whole device, as processes, and a coordinator that was taken over: whatever it answers, the device moves to nothing that
 * the council has not approved for it now.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeBrakeStatement } from "@moult/contracts";
import { Decision, FailureReason, type Outcome, OutcomeKind, PermitPhase } from "@moult/contracts/v1";
import type { TestNetwork } from "@moult/trust/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveArtifacts } from "./testing/artifact-server.ts";
import { Box } from "./testing/box.ts";
import { type TestBundles, testBundles } from "./testing/bundles.ts";
import { makeCertificate } from "./testing/certificate.ts";
import { FakeCoordinator } from "./testing/fake-coordinator.ts";
import { makeFolder } from "./testing/folders.ts";
import { openGates, targetOf } from "./testing/open-gates.ts";
import { type TestBuild, approve, makeNetwork, makeTestBuild } from "./testing/test-build.ts";
import { until } from "./testing/until.ts";

const certificate = makeCertificate();
const RUNTIME = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;
const COMES_MS = 45_000;
const DAY_MS = 86_400_000;

let bundles: TestBundles;
const folder = mkdtempSync(join(tmpdir(), "mlt-altered-"));
beforeAll(async () => {
  bundles = await testBundles(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function build(counter: number): TestBuild {
  return makeTestBuild({
    files: { "!runtime/node": RUNTIME, "agent/agent.mjs": bundles.agent(`${counter}.0.0`) },
    manifest: { version: `${counter}.0.0`, release_counter: counter },
  });
}

/** A device with release 5, and a coordinator that offers `target` to it, whatever anybody says. */
class Scene {
  readonly root = makeFolder();
  readonly coordinator = new FakeCoordinator(certificate);
  readonly network: TestNetwork;
  readonly target: TestBuild;
  #box: Box | undefined;

  constructor(network: TestNetwork, target: TestBuild) {
    this.network = network;
    this.target = target;
  }

  async open(): Promise<this> {
    const { root, coordinator, network, target } = this;
    const sources = await serveArtifacts(certificate);
    sources.builds.push(target);
    await coordinator.start();
    coordinator.metadata = network.files;
    coordinator.judge = (ask) => openGates(ask, { target, sources: [sources.url] });
    writeFileSync(join(root, "ca.pem"), certificate.cert);
    writeFileSync(join(root, "root.json"), network.flashedRoot);
    this.#box = await Box.flash({
      root,
      factory: build(5),
      launcher: bundles.launcher,
      config: {
        network: "test",
        coordinators: [coordinator.address],
        ca_file: join(root, "ca.pem"),
        root_file: join(root, "root.json"),
        enrollment_token: "welcome",
      },
    });
    this.#box.switchOn();
    return this;
  }

  get box(): Box {
    if (this.#box === undefined) throw new Error("there is no box yet");
    return this.#box;
  }

  get outcomes(): readonly Outcome[] {
    return this.coordinator.reports.flatMap(({ report }) => (report.case === "outcome" ? [report.value] : []));
  }

  /** The device has refused so, and nothing has moved. */
  async refused(reason: FailureReason): Promise<Outcome> {
    const outcome = await until("a refusal", () => this.outcomes.find((told) => told.reason === reason), COMES_MS);
    expect(outcome).toMatchObject({ kind: OutcomeKind.FAILED, targetDigest: this.target.digest });
    expect(this.box.startsIn("a") + this.box.startsIn("b")).toBe(0);
    expect(this.coordinator.asks.every(({ deniedDigests }) => deniedDigests.length === 0)).toBe(true);
    return outcome;
  }

  async committed(): Promise<void> {
    const isCommit = ({ kind, targetDigest }: Outcome): boolean =>
      kind === OutcomeKind.COMMITTED && targetDigest === this.target.digest;
    await until("the commit", () => this.outcomes.some(isCommit), COMES_MS);
  }
}

describe.concurrent("a device whose coordinator was taken over", { timeout: 120_000 }, () => {
  it("does not move to a build that the council did not approve, offered or with leave given", async () => {
    const network = makeNetwork();
    approve(network, []);
    const scene = await new Scene(network, build(6)).open();
    await scene.refused(FailureReason.NOT_APPROVED);
    const permit = { permitId: "forged", phase: PermitPhase.AWAY, expiresInMs: 60_000, drainGraceMs: 10_000 };
    const forged = { decision: Decision.GO, target: targetOf(scene.target, []), permit };
    scene.coordinator.judge = () => forged;
    const told = await until("it back", () => scene.outcomes.find(({ permitId }) => permitId === "forged"), COMES_MS);
    expect(told.reason).toBe(FailureReason.NOT_APPROVED);
    expect(scene.box.startsIn("a")).toBe(0);
  });

  it("does not move back to an old release, although that is approved", async () => {
    const network = makeNetwork();
    const old = build(4);
    approve(network, [old]);
    await (await new Scene(network, old).open()).refused(FailureReason.UNSUITABLE);
  });

  it("does not move by a list that has gone stale, and does once fresh news come", async () => {
    let nowMs = Date.now() - 2 * DAY_MS;
    const network = makeNetwork(() => nowMs);
    const six = build(6);
    approve(network, [six]);
    const scene = await new Scene(network, six).open();
    await scene.refused(FailureReason.METADATA);
    nowMs = Date.now();
    network.publish();
    scene.coordinator.tell({ case: "nudge", value: {} });
    await scene.committed();
  });

  it("does not move outside the share that the council lets move", async () => {
    const network = makeNetwork();
    const six = build(6);
    const cohort = { seed: "7".repeat(64), steps: [{ notBeforeMs: Date.now() - 1_000, sharePpm: 0 }] };
    approve(network, [six], { cohort });
    await (await new Scene(network, six).open()).refused(FailureReason.OUTSIDE_COHORT);
  });

  it("does not move while a breaker's brake holds that it heard once, and does when the council has lifted it", async () => {
    const network = makeNetwork();
    const six = build(6);
    approve(network, [six]);
    const issuedMs = Date.now();
    const said = { network: "test", issuedMs, expiresMs: issuedMs + DAY_MS, body: { reason: "smoke" } };
    const scene = new Scene(network, six);
    scene.coordinator.brakes = [network.brake(writeBrakeStatement(said))];
    await scene.open();
    await scene.refused(FailureReason.BRAKED);
    // From now on the coordinator is silent about it; over a restart the device is not.
    scene.coordinator.brakes = [];
    await scene.box.killUpdater();
    const told = scene.outcomes.length;
    scene.box.switchOn();
    await until("another refusal", () => scene.outcomes.length > told, COMES_MS);
    expect(scene.outcomes.at(-1)?.reason).toBe(FailureReason.BRAKED);
    const digest = String(scene.box.log.find(({ msg }) => msg === "a brake holds")?.["digest"]);
    network.lift(digest);
    const { judge } = scene.coordinator;
    scene.coordinator.judge = (ask) => ({ ...judge(ask), timestampVersion: 2n });
    scene.coordinator.tell({ case: "nudge", value: {} });
    await scene.committed();
  });
});
