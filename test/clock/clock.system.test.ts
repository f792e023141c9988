/**
 * A box whose clock stands at 1970 or 2038, and a coordinator whose certificate that clock cannot like: it asks, pulls over
 * HTTPS, moves to the next release and commits. OpenSSL's own clock cannot be set from here, so the certificates' dates are
 * shifted against it, and the program's `Date` with a preloaded file; the floor is all that speaks for them.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { provisionDevice } from "@moult/agent";
import { buildRelease } from "@moult/cli";
import { formatPublicKey, generateKey, writeKeyFile } from "@moult/trust";
import { TestNetwork } from "@moult/trust/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeCertificate } from "../../apps/agent/src/testing/certificate.ts";
import { publishMetadata } from "../../apps/agent/src/testing/publish-metadata.ts";
import { COORDINATOR, MOULT } from "../demo/fleet/sources.ts";
import { compiled, plainEnvironment } from "../demo/harness/environment.ts";
import { until } from "../demo/harness/until.ts";
import { Program } from "../network/programs.ts";

const AGENT = join(import.meta.dirname, "..", "..", "apps", "agent", "src", "main.ts");
const SHIFTED_DATE = join(import.meta.dirname, "shifted-date.ts");
const NETWORK = "clock";
const COMES_UP_MS = 30_000;
const MOVES_MS = 30_000;
const HAND_OVER = 75;
const HOUR_MS = 3_600_000;

/** Two wall clocks, and certificates that end respectively begin where OpenSSL's clock does not have them. */
const CLOCKS = {
  "1970": {
    wallMs: Date.UTC(1970, 0, 1, 0, 1),
    // An hour ahead of OpenSSL, and within the day that a timestamp lives.
    fromMs: Date.now() + HOUR_MS,
    untilMs: Date.UTC(2046, 0),
    built: new Date(Date.now() + 2 * HOUR_MS).toISOString(),
  },
  "2038": {
    wallMs: Date.UTC(2038, 0, 20),
    fromMs: Date.UTC(2010, 0),
    untilMs: Date.UTC(2020, 0),
    built: "2015-06-01T00:00:00Z",
  },
} as const;

interface Clock {
  readonly wallMs: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

describe("a wall clock that is wrong", { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "moult-clock-"));
  const stateDir = join(folder, "coordinator");
  const endpointsFile = join(stateDir, "endpoints.json");
  const trust = new TestNetwork({ network: NETWORK });
  const rootFile = join(folder, "root.json");
  const operator = generateKey();
  const operatorFile = join(folder, "operator.key");
  const started: Program[] = [];
  let token = "";

  function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
    const program = new Program([process.execPath, ...args], env);
    started.push(program);
    return program;
  }

  async function coordinator(tls?: object): Promise<Program> {
    const file = join(folder, "coordinator.yaml");
    writeFileSync(
      file,
      JSON.stringify({
        network: NETWORK,
        state_dir: stateDir,
        root_file: rootFile,
        override_keys: [formatPublicKey(operator.publicKey)],
        ...(tls && { tls }),
      }),
    );
    rmSync(endpointsFile, { force: true });
    const program = start([COORDINATOR, "--config", file]);
    await until("the coordinator listens", COMES_UP_MS, () => existsSync(endpointsFile));
    return program;
  }

  async function moult(...words: readonly string[]): Promise<string> {
    const env = { ...plainEnvironment(process.env), ...compiled(), MOULT_STATE_DIR: stateDir };
    return (await promisify(execFile)(process.execPath, [MOULT, ...words], { env, timeout: 30_000 })).stdout;
  }

  async function build(version: string, releaseCounter: number): Promise<string> {
    const dir = join(folder, version);
    const file = join(folder, `part-${version}`);
    writeFileSync(file, `a part of ${version}`);
    const parts = ["runtime/node", "agent/agent.mjs"].map((path) => ({ path, file, executable: false }));
    await buildRelease(
      {
        network: NETWORK,
        version,
        releaseCounter,
        platform: { os: process.platform, arch: process.arch },
        fromVersions: [],
        runtime: "runtime/node",
        agent: "agent/agent.mjs",
        workload: { kind: "none", health_timeout_ms: 5_000, soak_ms: 0 },
        parts,
      },
      { out: dir },
    );
    const { grpc } = JSON.parse(readFileSync(endpointsFile, "utf8")) as { grpc: string };
    const entry = trust.entry(readFileSync(join(dir, "manifest.json")));
    await publishMetadata(grpc, stateDir, trust.allow(entry));
    return dir;
  }

  /** A coordinator with a certificate of these dates, and a device that was flashed at `built`. */
  async function flash(name: string, clock: Clock, built: string): Promise<() => Program> {
    const { fromMs, untilMs } = clock;
    const authority = makeCertificate({ commonName: "authority", fromMs, untilMs: Date.UTC(2046, 0) });
    const server = makeCertificate({ issuer: authority, fromMs, untilMs });
    const files = { ca_file: `${name}-ca.pem`, cert_file: `${name}.pem`, key_file: `${name}.key` };
    const paths = Object.fromEntries(Object.entries(files).map(([key, file]) => [key, join(folder, file)]));
    writeFileSync(join(folder, files.ca_file), authority.cert);
    writeFileSync(join(folder, files.cert_file), server.cert);
    writeFileSync(join(folder, files.key_file), server.key);
    await Promise.all(started.splice(0).map((program) => program.kill()));
    await coordinator(paths);
    const { grpc } = JSON.parse(readFileSync(endpointsFile, "utf8")) as { grpc: string };
    const launcher = join(folder, "launcher.mjs");
    writeFileSync(launcher, "");
    const { configFile } = await provisionDevice({
      deviceDir: join(folder, name),
      buildDir: join(folder, "1.0.0"),
      launcher,
      config: {
        network: NETWORK,
        coordinators: [grpc],
        ca_file: join(folder, files.ca_file),
        root_file: rootFile,
        build_time: built,
        enrollment_token: token,
        wake_interval_ms: 1_000,
        first_ask_within_ms: 100,
        pulse_interval_ms: 500,
        quiet_ms: 50,
      },
    });
    const env = { TEST_WALL_CLOCK_MS: String(clock.wallMs) };
    const run = ["--import", SHIFTED_DATE, AGENT, "--config", configFile];
    let times = 0;
    return () => {
      times += 1;
      return start(run, {
        ...env,
        ...(times === 1 ? { MOULT_SLOT: "factory" } : { MOULT_SLOT: "a", MOULT_TRIAL: "1" }),
      });
    };
  }

  beforeAll(async () => {
    writeFileSync(rootFile, trust.flashedRoot);
    await coordinator();
    const made = await moult("token", "create", "--pool", "home", "--uses", "9", "--for", "1h", "-o", "json");
    token = (JSON.parse(made) as { enrollmentToken: string }).enrollmentToken;
    for (const [version, counter] of [
      ["1.0.0", 1],
      ["2.0.0", 2],
    ] as const) {
      await moult("release", "publish", await build(version, counter));
    }
    await moult("dial", "set", "2.0.0", "everyone");
    // The one box of its pool: nobody could stand in for it.
    writeFileSync(operatorFile, writeKeyFile(operator.privateKey), { mode: 0o600 });
    const signed = ["--key", operatorFile, "--network", NETWORK];
    const force = ["--reason", "one box", "--deficit-rps", "100000", "--for", "1h", ...signed, "--yes"];
    await moult("override", "create", "--pool", "home", ...force);
  }, 60_000);

  afterAll(async () => {
    await Promise.all(started.map((program) => program.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["1970", "2038"] as const)("stands at %s, and the device asks, pulls, moves and commits", async (year) => {
    const startAgent = await flash(year, CLOCKS[year], CLOCKS[year].built);
    const before = startAgent();
    await until("the old build hands over", MOVES_MS, () => !before.runs).catch((error: unknown) => {
      throw new Error(before.tail, { cause: error });
    });
    expect(before.exitCode, before.tail).toBe(HAND_OVER);
    expect(new Date(Number(before.lines[0]?.["time"])).getUTCFullYear()).toBe(Number(year));
    expect(before.count("staged")).toBe(1);
    const after = startAgent();
    await until("the new build is kept", MOVES_MS, () => after.count("outcome told") > 0).catch((error: unknown) => {
      throw new Error(after.tail, { cause: error });
    });
    expect(after.lines.find(({ msg }) => msg === "outcome told")).toMatchObject({ kind: "COMMITTED" });
  });

  it("stands where the certificate would hold, and the device knows better: it has ended", async () => {
    const startAgent = await flash("late", { ...CLOCKS["2038"], wallMs: Date.UTC(2016, 0) }, "2026-01-01T00:00:00Z");
    const agent = startAgent();
    const silence = (): string =>
      JSON.stringify(agent.lines.filter(({ msg }) => msg.includes("no coordinator answers")));
    await until("it has been refused", 20_000, () => silence().includes("it is 2026-01-01"));
    expect(agent.count("session opened")).toBe(0);
    expect(agent.runs).toBe(true);
  });
});
