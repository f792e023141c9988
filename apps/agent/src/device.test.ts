/** A whole device, launcher, agents and workload as processes, through a good release, a bad one and a killed agent. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AskRequest,
  Decision,
  FailureReason,
  type Outcome,
  OutcomeKind,
  PermitPhase,
  Slot,
  type VerdictSchema,
} from "@moult/contracts/v1";
import { unseal } from "@moult/slots";
import { digestOf } from "@moult/trust";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { bundleAgent } from "./deploy/bundle.ts";
import { provisionDevice } from "./deploy/provision.ts";
import { type ArtifactServer, serveArtifacts } from "./testing/artifact-server.ts";
import { makeCertificate } from "./testing/certificate.ts";
import { FakeCoordinator } from "./testing/fake-coordinator.ts";
import { makeFolder } from "./testing/folders.ts";
import { type SignedBuild, makeCouncil, makeSignedBuild } from "./testing/signed-build.ts";
import { until } from "./testing/until.ts";

const certificate = makeCertificate();
const council = makeCouncil();
const PROGRAM = join(import.meta.dirname, "testing", "work-program", "main.ts");
/** The runtime of these builds: it starts the one that runs the tests, and so is a small part. */
const RUNTIME = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;

let agents: { readonly one: string; readonly two: string; readonly launcher: string };

const folder = mkdtempSync(join(tmpdir(), "mlt-bundles-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const bundle = async (version: string): Promise<Awaited<ReturnType<typeof bundleAgent>>> => {
    const outDir = join(folder, version);
    mkdirSync(outDir, { recursive: true });
    return bundleAgent({ outDir, version });
  };
  const [one, two] = await Promise.all([bundle("1.0.0"), bundle("2.0.0")]);
  agents = { one: readFileSync(one.agent, "utf8"), two: readFileSync(two.agent, "utf8"), launcher: one.launcher };
});

/** A build whose workload says what the file named in `says` holds. */
function build(counter: number, agent: string, says: string): SignedBuild {
  const work = `#!/bin/sh\nexport CONTROL=$CONTROLS/${says}\nexec ${process.execPath} ${PROGRAM}\n`;
  return makeSignedBuild(council, {
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
  target: SignedBuild | undefined;
  sources: ArtifactServer | undefined;
  launcher: ChildProcess | undefined;

  async start(factory: SignedBuild): Promise<this> {
    this.sources = await serveArtifacts(certificate);
    await this.coordinator.start();
    this.coordinator.judge = (ask) => this.#judge(ask);
    writeFileSync(join(this.root, "ca.pem"), certificate.cert);
    writeFileSync(join(this.root, "good"), "{}");
    writeFileSync(join(this.root, "ill"), JSON.stringify({ state: 4, message: "no database" }));
    const buildDir = join(this.root, "build");
    mkdirSync(join(buildDir, "parts"), { recursive: true });
    writeFileSync(join(buildDir, "signed.json"), factory.envelope);
    for (const [digest, bytes] of factory.parts) writeFileSync(join(buildDir, "parts", digest), bytes);
    const device = await provisionDevice({
      deviceDir: this.deviceDir,
      buildDir,
      launcher: agents.launcher,
      config: {
        network: "test",
        coordinators: [this.coordinator.address],
        ca_file: join(this.root, "ca.pem"),
        council: { threshold: council.threshold, keys: council.keys },
        enrollment_token: "welcome",
        wake_interval_ms: 400,
        first_ask_within_ms: 100,
        nudge_jitter_ms: 50,
        pulse_interval_ms: 200,
        reconnect_min_ms: 50,
        reconnect_max_ms: 500,
        work_poll_interval_ms: 100,
        quiet_ms: 200,
        workload: { env: { CONTROLS: this.root } },
        log_level: "warn",
      },
    });
    const args = [device.launcher, "--config", device.configFile];
    const launcher = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    this.launcher = launcher;
    onTestFinished(async () => {
      launcher.kill("SIGTERM");
      await until("the launcher's end", () => launcher.exitCode !== null || launcher.signalCode !== null);
    });
    await until("a first ask", () => this.coordinator.asks.length > 0);
    return this;
  }

  get deviceDir(): string {
    return join(this.root, "d");
  }

  get outcomes(): readonly Outcome[] {
    return this.coordinator.reports.flatMap(({ report }) => (report.case === "outcome" ? [report.value] : []));
  }

  /** The process that is written down in the device's `run` folder. */
  pidOf(what: "agent" | "workload"): number {
    const file = join(this.deviceDir, "run", what);
    const record = existsSync(file) ? unseal(readFileSync(file)) : undefined;
    return (record as { pid: number } | undefined)?.pid ?? 0;
  }

  publish(target: SignedBuild): void {
    this.sources?.builds.push(target);
    this.target = target;
  }

  outcome(count: number): Promise<Outcome> {
    return until(`outcome ${count}`, () => this.outcomes[count - 1], 25_000);
  }

  /** Gates that let everything pass. */
  #judge(ask: AskRequest): MessageInitShape<typeof VerdictSchema> {
    const { target, sources } = this;
    const over = ask.runningDigest === target?.digest || ask.deniedDigests.includes(target?.digest ?? "");
    if (target === undefined || sources === undefined || over) return { decision: Decision.STAY, retryAfterMs: 300 };
    const { digest, manifest, bytes } = target;
    const offered = {
      digest,
      version: manifest.version,
      releaseCounter: BigInt(manifest.release_counter),
      manifestBytes: bytes.length,
      sources: [sources.url],
    };
    if (ask.stagedDigest !== digest) return { decision: Decision.PREPARE, target: offered };
    const phase = ask.drained ? PermitPhase.AWAY : PermitPhase.DRAINING;
    const permit = { permitId: `permit-${manifest.version}`, phase, expiresInMs: 60_000, drainGraceMs: 10_000 };
    return { decision: Decision.GO, target: offered, permit };
  }
}

describe("a device", () => {
  it("moves to a good build, works on through an agent's swap, and comes back from a bad build by itself", async () => {
    const fleet = await new Fleet().start(build(1, agents.one, "good"));
    const first = fleet.pidOf("workload");

    // Only the agent is another one: one part is fetched, and the workload is not touched.
    const two = build(2, agents.two, "good");
    fleet.publish(two);
    expect(await fleet.outcome(1)).toMatchObject({
      kind: OutcomeKind.COMMITTED,
      targetDigest: two.digest,
      runningDigest: two.digest,
      permitId: "permit-2.0.0",
    });
    expect(fleet.sources?.parts).toEqual([digestOf(new TextEncoder().encode(agents.two))]);
    expect(fleet.pidOf("workload")).toBe(first);
    const calls = existsSync(join(fleet.root, "good.calls"))
      ? readFileSync(join(fleet.root, "good.calls"), "utf8")
      : "";
    expect(calls).not.toContain("drain");
    await until("asks from slot a", () => fleet.coordinator.asks.at(-1)?.slot === Slot.A);

    const three = build(3, agents.two, "ill");
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
    expect(fleet.pidOf("workload")).not.toBe(first);
  });

  it("survives a killed agent, a killed coordinator and a killed workload", async () => {
    const fleet = await new Fleet().start(build(1, agents.one, "good"));
    const agent = fleet.pidOf("agent");
    const work = fleet.pidOf("workload");
    process.kill(agent, "SIGKILL");
    await until("the next agent", () => fleet.pidOf("agent") !== agent && fleet.pidOf("agent") !== 0);
    const asked = fleet.coordinator.asks.length;
    await until("its ask", () => fleet.coordinator.asks.length > asked);
    expect(fleet.pidOf("workload")).toBe(work);

    fleet.coordinator.kill();
    // What it does not forget are its nodes: the token by which this one became one of them is gone.
    fleet.coordinator.sessions.clear();
    await until("the token's end", () => !existsSync(join(fleet.root, "d", "state", "enrollment-token")));
    expect(readFileSync(join(fleet.root, "d", "device.yaml"), "utf8")).not.toContain("enrollment_token");
    await fleet.coordinator.start();
    const before = fleet.coordinator.asks.length;
    await until("an ask after the restart", () => fleet.coordinator.asks.length > before);

    process.kill(work, "SIGKILL");
    await until("the next workload", () => fleet.pidOf("workload") !== work && fleet.pidOf("workload") !== 0);
    expect(fleet.outcomes).toEqual([]);
  });
});
