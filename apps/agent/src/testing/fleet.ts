/** One device at home: its coordinator, its mirror and its builds, all real but for the coordinator's mind. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type AskRequest, Decision, type Outcome, PermitPhase, type VerdictSchema } from "@moult/contracts/v1";
import { unseal } from "@moult/slots";
import type { TestNetwork } from "@moult/trust/testing";
import { afterAll, onTestFinished } from "vitest";
import { bundleAgent } from "../deploy/bundle.ts";
import { type ProvisionedDevice, provisionDevice } from "../deploy/provision.ts";
import { type ArtifactServer, serveArtifacts } from "./artifact-server.ts";
import { makeCertificate } from "./certificate.ts";
import { FakeCoordinator } from "./fake-coordinator.ts";
import { makeFolder } from "./folders.ts";
import { type TestBuild, approve, makeNetwork, makeTestBuild } from "./test-build.ts";
import { until } from "./until.ts";

const certificate = makeCertificate();
const PROGRAM = join(import.meta.dirname, "work-program", "main.ts");
/** The runtime of these builds: it starts the one that runs the tests, and so is a small part. */
const RUNTIME = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;

/** Two versions of the agent, and the launcher. */
export interface BundledAgents {
  readonly one: string;
  readonly two: string;
  /** A file. */
  readonly launcher: string;
}

/** Bundles them. To be called before all tests of a file. */
export async function bundleTwo(): Promise<BundledAgents> {
  const folder = mkdtempSync(join(tmpdir(), "mlt-bundles-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const bundle = async (version: string): Promise<Awaited<ReturnType<typeof bundleAgent>>> => {
    const outDir = join(folder, version);
    mkdirSync(outDir, { recursive: true });
    return bundleAgent({ outDir, version });
  };
  const [one, two] = await Promise.all([bundle("1.0.0"), bundle("2.0.0")]);
  return { one: readFileSync(one.agent, "utf8"), two: readFileSync(two.agent, "utf8"), launcher: one.launcher };
}

/** A build whose workload says what the file named in `says` holds; another `variant` is another workload. */
export function makeBuild(counter: number, agent: string, says: string, variant = ""): TestBuild {
  const work = `#!/bin/sh\nexport CONTROL=$CONTROLS/${says}\n${variant}\nexec ${process.execPath} ${PROGRAM}\n`;
  return makeTestBuild({
    files: { "!runtime/node": RUNTIME, "agent/agent.mjs": agent, "!work": work },
    manifest: {
      version: `${counter}.0.0`,
      release_counter: counter,
      workload: { kind: "work-service", command: ["{slot}/work"], health_timeout_ms: 8_000, soak_ms: 200 },
    },
  });
}

/** How a device is switched on; undefined for its launcher as a child of the test. */
type SwitchOn = (device: ProvisionedDevice) => Promise<void>;

/** The device and all it needs. */
export class Fleet {
  readonly root: string = makeFolder();
  readonly coordinator: FakeCoordinator = new FakeCoordinator(certificate);
  /** What its list names is approved. */
  readonly network: TestNetwork = makeNetwork();
  target: TestBuild | undefined;
  sources: ArtifactServer | undefined;
  launcher: ChildProcess | undefined;

  async start(
    factory: TestBuild,
    launcher: string,
    config: Readonly<Record<string, unknown>> = {},
    switchOn?: SwitchOn,
  ): Promise<this> {
    this.sources = await serveArtifacts(certificate);
    await this.coordinator.start();
    this.coordinator.metadata = this.network.files;
    approve(this.network, [factory]);
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
      launcher,
      root: this.network.flashedRoot,
      config: {
        network: "test",
        coordinators: [this.coordinator.address],
        ca_file: join(this.root, "ca.pem"),
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
        ...config,
      },
    });
    if (switchOn === undefined) this.#launch(device);
    else await switchOn(device);
    await until("a first ask", () => this.coordinator.asks.length > 0);
    return this;
  }

  #launch(device: ProvisionedDevice): void {
    const args = [device.launcher, "--config", device.configFile];
    const launcher = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
    this.launcher = launcher;
    onTestFinished(async () => {
      launcher.kill("SIGTERM");
      await until("the launcher's end", () => launcher.exitCode !== null || launcher.signalCode !== null);
    });
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

  /** The same, once there is one. */
  pid(what: "agent" | "workload"): Promise<number> {
    return until(`the ${what}`, () => this.pidOf(what) || undefined);
  }

  publish(target: TestBuild): void {
    approve(this.network, [target]);
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
