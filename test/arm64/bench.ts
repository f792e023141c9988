/** The vendor's bench and the operator's desk: builds, an image, a coordinator on this machine, and what it sees. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundleAgent } from "@moult/agent";
import { TestNetwork } from "@moult/trust/testing";
import { publishMetadata } from "../../apps/agent/src/testing/publish-metadata.ts";
import { operatorOf } from "../demo/fleet/operator.ts";
import { COORDINATOR } from "../demo/fleet/sources.ts";
import { plainEnvironment } from "../demo/harness/environment.ts";
import { until } from "../demo/harness/until.ts";

const run = promisify(execFile);
const DEVICE = join(import.meta.dirname, "../../apps/agent/src/deploy/main.ts");
const NETWORK = "bench";

/** By what both this machine and the box, whose hosts file says so, call this machine. */
const THIS_MACHINE = "localhost";

/** How long the coordinator may take to listen, in milliseconds. */
const COMES_UP_MS = 30_000;

/** Emulation is slow: what takes a second on a board may take a quarter of a minute here, in milliseconds. */
const PATIENCE_MS = 180_000;

/** What the coordinator knows of the box. */
export interface Sight {
  readonly version: string;
  readonly digest: string;
  /** When it was last answered an Ask; on this machine's clock. */
  readonly askedAtMs: number;
  /** Its last outcome, as in "COMMITTED"; empty before the first. */
  readonly outcome: string;
  readonly outcomeAtMs: number;
}

/** The bench, with its coordinator running. */
export interface Bench {
  /** The image's archive. */
  readonly archive: string;
  /** device.yaml with a token. */
  readonly config: string;
  /** Makes a release and lets everybody have it; returns its version. */
  readonly release: () => Promise<string>;
  /** Undefined until the box has enrolled. */
  readonly look: () => Promise<Sight | undefined>;
  readonly close: () => void;
}

/** Sets it up in `folder`. `cache` keeps the runtime for the next time. */
export async function setUpBench(folder: string, cache: string, signal: AbortSignal): Promise<Bench> {
  const stateDir = join(folder, "coordinator");
  const moult = operatorOf(stateDir, signal);
  const runtime = join(cache, "node-linux-arm64");
  if (!(await stat(runtime).catch(() => undefined))) {
    await run(process.execPath, [DEVICE, "runtime", "--platform", "linux-arm64", "--out", runtime]);
  }
  const trust = new TestNetwork({ network: NETWORK });
  const rootFile = join(folder, "root.json");
  await writeFile(rootFile, trust.flashedRoot);
  await writeHooks(join(folder, "hooks"));

  let counter = 0;
  const build = async (): Promise<{ readonly version: string; readonly dir: string; readonly bundle: string }> => {
    counter += 1;
    const version = `1.${counter}.0`;
    const [dir, bundle] = [join(folder, `build-${version}`), join(folder, `bundle-${version}`)];
    await mkdir(bundle);
    await bundleAgent({ outDir: bundle, version });
    const of = ["--network", NETWORK, "--version", version, "--counter", String(counter), "--platform", "linux-arm64"];
    const parts = [`runtime/node=${runtime}`, `agent/agent.mjs=${join(bundle, "agent.mjs")}`];
    for (const hook of HOOKS) parts.push(`hooks/${hook}=${join(folder, "hooks", hook)}`);
    const given = parts.flatMap((part) => ["--part", part]);
    const trial = ["--health-timeout-ms", String(PATIENCE_MS), "--soak-ms", "500"];
    await moult(["release", "build", ...of, ...given, "--hooks-dir", "hooks", ...trial, "--link", "--out", dir]);
    return { version, dir, bundle };
  };

  const [grpcPort, artifactsPort] = [await freePort(), await freePort()];
  const coordinator = await startCoordinator(folder, {
    network: NETWORK,
    state_dir: stateDir,
    grpc: { host: "127.0.0.1", port: grpcPort },
    artifacts: {
      host: "127.0.0.1",
      port: artifactsPort,
      public_url: `https://${THIS_MACHINE}:${artifactsPort}`,
    },
    root_file: rootFile,
    capacity: {
      report_fresh_ms: PATIENCE_MS,
      permit_ttl_ms: PATIENCE_MS,
      drain_grace_ms: 30_000,
      absence_predicted_ms: 20_000,
    },
    retry: { allowlist_ms: 1_000, dial_ms: 1_000, capacity_ms: 1_000 },
  });
  await until("the coordinator listens", COMES_UP_MS, () => exists(join(stateDir, "endpoints.json")), signal);

  const first = await build();
  const token = JSON.parse(
    await moult(["token", "create", "--pool", "home", "--uses", "1", "--for", "1h", "-o", "json"]),
  ) as {
    readonly enrollmentToken: string;
  };
  await writeFile(join(folder, "token"), token.enrollmentToken, { mode: 0o600 });
  await writeFile(join(folder, "template.yaml"), JSON.stringify(boxConfig(`${THIS_MACHINE}:${grpcPort}`)));
  const words = ["--build", first.dir, "--bundle", first.bundle, "--config", join(folder, "template.yaml")];
  const more = [
    "--ca",
    join(stateDir, "tls/ca.pem"),
    "--root",
    rootFile,
    "--enrollment-token-file",
    join(folder, "token"),
  ];
  const out = ["--platform", "linux-arm64", "--out", join(folder, "image"), "-o", "json"];
  const made = await run(process.execPath, [DEVICE, "image", ...words, ...more, ...out]);
  const { archive, config } = JSON.parse(made.stdout) as { readonly archive: string; readonly config: string };
  return {
    archive,
    config,
    async release() {
      const { version, dir } = await build();
      const entry = trust.entry(await readFile(join(dir, "manifest.json")));
      await publishMetadata(`127.0.0.1:${grpcPort}`, stateDir, trust.allow(entry));
      await moult(["release", "publish", dir]);
      await moult(["dial", "set", version, "everyone", "--yes"]);
      await moult(["nudge"]);
      return version;
    },
    look: async () => sightIn(await moult(["fleet", "get", "nodes", "-o", "json"])),
    close: () => void coordinator.kill("SIGTERM"),
  };
}

const HOOKS = ["start", "stop", "situation", "drain", "restore"] as const;

/** The workload: says that it serves and has nothing to do, as in the vendor guide. */
async function writeHooks(folder: string): Promise<void> {
  await mkdir(folder);
  const says = `echo '{"state":"STATE_SERVING","capacityRps":10}'`;
  for (const hook of HOOKS) {
    const file = join(folder, hook);
    await writeFile(file, `#!/bin/sh\n${hook === "situation" ? says : "exit 0"}\n`);
    await chmod(file, 0o755);
  }
}

/** Bounds are those of emulation; the box is otherwise as it is flashed. Without systemd its agent runs the workload. */
function boxConfig(coordinator: string): object {
  return {
    network: NETWORK,
    coordinators: [coordinator],
    ca_file: "/etc/moult/ca.pem",
    model: "virtual-arm64",
    workload: { runner: "child" },
    wake_interval_ms: 3_000,
    first_ask_within_ms: 200,
    nudge_jitter_ms: 200,
    pulse_interval_ms: 5_000,
    quiet_ms: 200,
    work_poll_interval_ms: 5_000,
    work_poll_fast_ms: 1_000,
    trial_timeout_ms: PATIENCE_MS,
    up_timeout_ms: PATIENCE_MS,
    heartbeat_timeout_ms: PATIENCE_MS,
    rpc_timeout_ms: 60_000,
    reconnect_min_ms: 200,
    reconnect_max_ms: 1_000,
    failure_backoff_ms: 1_000,
  };
}

async function startCoordinator(folder: string, config: object): Promise<ChildProcess> {
  const file = join(folder, "coordinator.yaml");
  await writeFile(file, JSON.stringify(config));
  const log = openSync(join(folder, "coordinator.log"), "a");
  return spawn(process.execPath, [COORDINATOR, "--config", file], {
    stdio: ["ignore", log, log],
    env: plainEnvironment(process.env),
  });
}

interface NodeJson {
  readonly version?: string;
  readonly digest?: string;
  readonly lastVerdict?: { readonly time?: string };
  readonly lastOutcome?: { readonly kind?: string; readonly time?: string };
}

function sightIn(json: string): Sight | undefined {
  const node = (JSON.parse(json) as { readonly nodes?: readonly NodeJson[] }).nodes?.[0];
  if (node === undefined) return undefined;
  return {
    version: node.version ?? "",
    digest: node.digest ?? "",
    askedAtMs: Date.parse(node.lastVerdict?.time ?? "") || 0,
    outcome: (node.lastOutcome?.kind ?? "").replace("OUTCOME_KIND_", ""),
    outcomeAtMs: Date.parse(node.lastOutcome?.time ?? "") || 0,
  };
}

function exists(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}

/** A port that nobody listened on a moment ago: the box is told it before the coordinator runs. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
