/**
 * `pnpm bench:pull`: what an update moves over the wire, writes and needs of memory. A real coordinator, the real
 * `moult`, and the agent's real pull in a process of its own, through a relay that counts bytes.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type PartInput, buildRelease } from "@moult/cli";
import { TestNetwork } from "@moult/trust/testing";
import { publishMetadata } from "../../../apps/agent/src/testing/publish-metadata.ts";
import { COORDINATOR, MOULT } from "../../demo/fleet/sources.ts";
import { until } from "../../demo/harness/until.ts";
import { bundleAfter, bundleBefore, derivedRuntime } from "./builds.ts";
import type { DeviceResult, DeviceTask } from "./device.ts";
import { type Relay, startRelay } from "./relay.ts";

const HELP = `Measures what an update moves, writes and needs.

Usage: pnpm bench:pull [--json] [--old-runtime FILE]

Options:
  --json              print one JSON object
  --old-runtime FILE  a Node.js binary of another version as the old runtime; without it, this one with changes
  --help              print this, and exit

Exit codes: 0 measured, 1 failed, 2 the command line is wrong.

Example: pnpm bench:pull --json
`;

const NETWORK = "bench";
const STEP_MS_MAX = 300_000;
const RATE_BYTES_PER_S = 200_000;
const MIB = 1_048_576;
const run = promisify(execFile);
const owners = new TestNetwork({ network: NETWORK });

interface Setting {
  readonly folder: string;
  readonly stateDir: string;
  readonly grpc: string;
  readonly relay: Relay;
}

interface Measured extends DeviceResult {
  readonly wireBytes: number;
}

/** Takes a device from one build to another. */
async function pullTo(setting: Setting, device: string, buildDir: string, rateMaxBytesPerS = 0): Promise<Measured> {
  const task: DeviceTask = {
    root: join(setting.folder, device),
    source: setting.relay.url,
    caFile: join(setting.stateDir, "tls", "ca.pem"),
    manifestFile: join(buildDir, "manifest.json"),
    network: NETWORK,
    rateMaxBytesPerS,
  };
  setting.relay.takeBytes();
  const words = [join(import.meta.dirname, "device.ts"), JSON.stringify(task)];
  const { stdout } = await run(process.execPath, words, { timeout: STEP_MS_MAX });
  return { ...(JSON.parse(stdout) as DeviceResult), wireBytes: setting.relay.takeBytes() };
}

async function makeBuild(folder: string, counter: number, parts: readonly PartInput[]): Promise<string> {
  const out = join(folder, `build-${counter}`);
  await buildRelease(
    {
      network: NETWORK,
      version: `1.${counter}.0`,
      releaseCounter: counter,
      platform: { os: process.platform, arch: process.arch },
      fromVersions: [],
      runtime: "runtime/node",
      agent: "agent/agent.mjs",
      workload: { kind: "none", health_timeout_ms: 1_000, soak_ms: 0 },
      parts,
    },
    { out, link: true },
  );
  return out;
}

async function moult(setting: Setting, ...words: readonly string[]): Promise<void> {
  const env = { ...process.env, MOULT_STATE_DIR: setting.stateDir, NO_COLOR: "1" };
  await run(process.execPath, [MOULT, ...words], { env, timeout: STEP_MS_MAX });
}

async function measure(setting: Setting, oldRuntime: Uint8Array): Promise<Readonly<Record<string, number>>> {
  const { folder } = setting;
  const [before, after] = [await bundleBefore(join(folder, "v1")), await bundleAfter(join(folder, "v2"))];
  // A copy, for a build that is linked makes its files read-only.
  const runtimeFile = join(folder, "node");
  copyFileSync(process.execPath, runtimeFile);
  const oldRuntimeFile = join(folder, "old-node");
  writeFileSync(oldRuntimeFile, oldRuntime);
  const parts = (agent: string, runtime: string): PartInput[] => [
    { path: "runtime/node", file: runtime, executable: true },
    { path: "agent/agent.mjs", file: agent, executable: false },
  ];
  const one = await makeBuild(folder, 1, parts(before.agent, runtimeFile));
  const two = await makeBuild(folder, 2, parts(after.agent, runtimeFile));
  const old = await makeBuild(folder, 3, parts(before.agent, oldRuntimeFile));
  const fresh = await makeBuild(folder, 4, parts(before.agent, runtimeFile));

  const listed = [one, two, old, fresh].map((dir) => owners.entry(readFileSync(join(dir, "manifest.json"))));
  await publishMetadata(setting.grpc, setting.stateDir, owners.allow(...listed));
  await moult(setting, "release", "publish", one);
  for (const device of ["full", "delta", "slow"]) await pullTo(setting, device, one);
  await moult(setting, "release", "publish", two);
  const full = await pullTo(setting, "full", two);
  const slow = await pullTo(setting, "slow", two, RATE_BYTES_PER_S);
  await moult(setting, "release", "publish", two, "--from", one);
  const delta = await pullTo(setting, "delta", two);
  const runtimeDigest = delta.parts["runtime/node"]?.digest ?? "";

  await moult(setting, "release", "publish", old);
  await pullTo(setting, "runtime-delta", old);
  await moult(setting, "release", "delta", "--to", fresh);
  await moult(setting, "release", "publish", fresh);
  const runtimePacked = await pullTo(setting, "runtime-packed", fresh);
  await moult(setting, "release", "publish", fresh, "--from", old);
  const runtimeDelta = await pullTo(setting, "runtime-delta", fresh);

  const bundleBytes = statSync(after.agent).size;
  return {
    bundleBytes,
    fullBytes: full.wireBytes,
    fullBodyBytes: full.bodyBytes,
    deltaBytes: delta.wireBytes,
    deltaBodyBytes: delta.bodyBytes,
    deltaPct: percent(delta.wireBytes, bundleBytes),
    runtimeBytesRewritten: (full.writtenBytes[runtimeDigest] ?? 0) + (delta.writtenBytes[runtimeDigest] ?? 0),
    runtimeBytes: statSync(runtimeFile).size,
    runtimePackedBytes: runtimePacked.wireBytes,
    runtimeDeltaBytes: runtimeDelta.wireBytes,
    runtimeDeltaPct: percent(runtimeDelta.wireBytes, statSync(runtimeFile).size),
    peakRssMB: mib(Math.max(...[runtimeDelta, runtimePacked].map(({ peakRssBytes }) => peakRssBytes))),
    peakAboveBaseMB: mib(Math.max(...[runtimeDelta, runtimePacked].map((one) => one.peakRssBytes - one.baseRssBytes))),
    runtimeDeltaCpuMs: runtimeDelta.cpuMs,
    rateBytesPerS: RATE_BYTES_PER_S,
    busiestSecondRatio: Math.round(slow.busiestSecondRatio * 100) / 100,
  };
}

const percent = (part: number, whole: number): number => Math.round((part / whole) * 10_000) / 100;
const mib = (bytes: number): number => Math.round((bytes / MIB) * 10) / 10;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: "boolean" }, "old-runtime": { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) return void process.stdout.write(HELP);
  const oldRuntime = values["old-runtime"] === undefined ? derivedRuntime() : readFileSync(values["old-runtime"]);
  const folder = mkdtempSync(join(tmpdir(), "moult-bench-pull-"));
  let coordinator: ChildProcess | undefined;
  let relay: Relay | undefined;
  try {
    const stateDir = join(folder, "state");
    mkdirSync(stateDir);
    const config = join(folder, "coordinator.yaml");
    const rootFile = join(folder, "root.json");
    writeFileSync(rootFile, owners.flashedRoot);
    const settings = { network: NETWORK, state_dir: stateDir, root_file: rootFile, log_level: "error" };
    // YAML takes JSON.
    writeFileSync(config, JSON.stringify(settings));
    coordinator = spawn(process.execPath, [COORDINATOR, "--config", config], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const endpoints = join(stateDir, "endpoints.json");
    await until("the coordinator serves", 30_000, () => existsSync(endpoints));
    const { artifacts, grpc } = JSON.parse(readFileSync(endpoints, "utf8")) as { artifacts: string; grpc: string };
    relay = await startRelay(artifacts);
    const figures = await measure({ folder, stateDir, grpc, relay }, oldRuntime);
    const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(22)} ${value}\n`);
    process.stdout.write(values.json === true ? `${JSON.stringify(figures)}\n` : lines.join(""));
  } finally {
    relay?.close();
    coordinator?.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  const usage = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
  process.stderr.write(`bench:pull: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = usage ? 2 : 1;
});
