/** A whole device, launcher, agents and workload as processes, through a good release, a bad one and a killed agent. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FailureReason, type Outcome, OutcomeKind, Slot } from "@moult/contracts/v1";
import { digestOf } from "@moult/trust";
import type { TestNetwork } from "@moult/trust/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArtifactServer, serveArtifacts } from "./testing/artifact-server.ts";
import { Box } from "./testing/box.ts";
import { type TestBundles, testBundles } from "./testing/bundles.ts";
import { makeCertificate } from "./testing/certificate.ts";
import { FakeCoordinator } from "./testing/fake-coordinator.ts";
import { makeFolder } from "./testing/folders.ts";
import { openGates } from "./testing/open-gates.ts";
import { type TestBuild, approve, makeNetwork, makeTestBuild } from "./testing/test-build.ts";
import { until } from "./testing/until.ts";

const certificate = makeCertificate();
/** The runtime of these builds: it starts the one that runs the tests, and so is a small part. */
const RUNTIME = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;

let bundles: TestBundles;
const folder = mkdtempSync(join(tmpdir(), "mlt-device-"));
beforeAll(async () => {
  bundles = await testBundles(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A build whose workload says what the file named in `says` holds. */
function build(counter: number, agent: string, says: string): TestBuild {
  const work = `#!/bin/sh\nexport CONTROL=$CONTROLS/${says}\nexec ${process.execPath} ${bundles.workload}\n`;
  return makeTestBuild({
    files: { "!runtime/node": RUNTIME, "agent/agent.mjs": agent, "!work": work },
    manifest: {
      version: `${counter}.0.0`,
      release_counter: counter,
      workload: { kind: "work-service", command: ["{slot}/work"], health_timeout_ms: 8_000, soak_ms: 200 },
    },
  });
}

class Fleet {
  readonly root: string = makeFolder();
  readonly coordinator: FakeCoordinator = new FakeCoordinator(certificate);
  readonly network: TestNetwork = makeNetwork();
  readonly sources: ArtifactServer;
  readonly #factory: TestBuild;
  target: TestBuild | undefined;
  #box: Box | undefined;

  constructor(factory: TestBuild, sources: ArtifactServer) {
    this.#factory = factory;
    this.sources = sources;
  }

  static async start(factory: TestBuild): Promise<Fleet> {
    const fleet = new Fleet(factory, await serveArtifacts(certificate));
    await fleet.#start();
    return fleet;
  }

  async #start(): Promise<void> {
    const { root, coordinator, sources } = this;
    await coordinator.start();
    coordinator.metadata = this.network.files;
    coordinator.judge = (ask) => openGates(ask, { target: this.target, sources: [sources.url] });
    writeFileSync(join(root, "ca.pem"), certificate.cert);
    writeFileSync(join(root, "root.json"), this.network.flashedRoot);
    writeFileSync(join(root, "good"), "{}");
    writeFileSync(join(root, "ill"), JSON.stringify({ state: 4, message: "no database" }));
    this.#box = await Box.flash({
      root,
      factory: this.#factory,
      launcher: bundles.launcher,
      config: {
        network: "test",
        coordinators: [coordinator.address],
        ca_file: join(root, "ca.pem"),
        root_file: join(root, "root.json"),
        enrollment_token: "welcome",
        workload: { env: { CONTROLS: root } },
      },
    });
    this.#box.switchOn();
    await until("a first ask", () => coordinator.asks.length > 0);
  }

  get box(): Box {
    if (this.#box === undefined) throw new Error("there is no box yet");
    return this.#box;
  }

  get outcomes(): readonly Outcome[] {
    return this.coordinator.reports.flatMap(({ report }) => (report.case === "outcome" ? [report.value] : []));
  }

  publish(target: TestBuild): void {
    approve(this.network, [target]);
    this.sources.builds.push(target);
    this.target = target;
  }

  outcome(count: number): Promise<Outcome> {
    return until(`outcome ${count}`, () => this.outcomes[count - 1], 25_000);
  }
}

describe("a device", () => {
  it("moves to a good build, works on through an agent's swap, and comes back from a bad build by itself", async () => {
    const fleet = await Fleet.start(build(1, bundles.agent("1.0.0"), "good"));
    const first = fleet.box.pidOf("workload");

    // Only the agent is another one: one part is fetched, and the workload is not touched.
    const two = build(2, bundles.agent("2.0.0"), "good");
    fleet.publish(two);
    expect(await fleet.outcome(1)).toMatchObject({
      kind: OutcomeKind.COMMITTED,
      targetDigest: two.digest,
      runningDigest: two.digest,
      permitId: "permit-2.0.0",
    });
    expect(fleet.sources.parts).toEqual([digestOf(new TextEncoder().encode(bundles.agent("2.0.0")))]);
    expect(fleet.box.pidOf("workload")).toBe(first);
    const calls = existsSync(join(fleet.root, "good.calls"))
      ? readFileSync(join(fleet.root, "good.calls"), "utf8")
      : "";
    expect(calls).not.toContain("drain");
    await until("asks from slot a", () => fleet.coordinator.asks.at(-1)?.slot === Slot.A);

    const three = build(3, bundles.agent("2.0.0"), "ill");
    fleet.publish(three);
    expect(await fleet.outcome(2)).toMatchObject({
      kind: OutcomeKind.REVERTED,
      reason: FailureReason.HEALTH_CHECK,
      message: expect.stringContaining("no database") as string,
      targetDigest: three.digest,
      runningDigest: two.digest,
      permitId: "permit-3.0.0",
    });
    await until("the denial in an ask", () => fleet.coordinator.asks.at(-1)?.deniedDigests[0] === three.digest);
    expect(fleet.coordinator.asks.at(-1)?.slot).toBe(Slot.A);
    // The old workload was drained, stopped for the trial and started again.
    expect(readFileSync(join(fleet.root, "good.calls"), "utf8")).toMatch(/drain\n/);
    expect(fleet.box.pidOf("workload")).not.toBe(first);
  });

  it("survives a killed agent, a killed coordinator and a killed workload", async () => {
    const fleet = await Fleet.start(build(1, bundles.agent("1.0.0"), "good"));
    const agent = fleet.box.pidOf("agent");
    const work = fleet.box.pidOf("workload");
    process.kill(agent, "SIGKILL");
    await until("the next agent", () => fleet.box.pidOf("agent") !== agent && fleet.box.pidOf("agent") !== 0);
    const asked = fleet.coordinator.asks.length;
    await until("its ask", () => fleet.coordinator.asks.length > asked);
    expect(fleet.box.pidOf("workload")).toBe(work);

    fleet.coordinator.kill();
    // What it does not forget are its nodes: the token by which this one became one of them is gone.
    fleet.coordinator.sessions.clear();
    await until("the token's end", () => !existsSync(join(fleet.root, "d", "state", "enrollment-token")));
    expect(readFileSync(join(fleet.root, "d", "device.yaml"), "utf8")).not.toContain("enrollment_token");
    await fleet.coordinator.start();
    const before = fleet.coordinator.asks.length;
    await until("an ask after the restart", () => fleet.coordinator.asks.length > before);

    process.kill(work, "SIGKILL");
    await until("the next workload", () => fleet.box.pidOf("workload") !== work && fleet.box.pidOf("workload") !== 0);
    expect(fleet.outcomes).toEqual([]);
  });
});
