/**
 * `pnpm bench:agent`: what an idle agent costs. A real bundled agent on a device made by the vendor's tools, its stream
 * open to a real coordinator; figures from `/proc` and from the file system's own notices.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { unseal } from "@moult/slots";
import type { ProvisionedDevice } from "../../../apps/agent/src/deploy/provision.ts";
import { House } from "../../demo/harness/house.ts";
import { until } from "../../demo/harness/until.ts";
import { bundleWorkload } from "../stage/bundle-workload.ts";
import { BenchFleet } from "../stage/fleet.ts";
import { freePort } from "../stage/free-port.ts";
import { childrenOf, rssMib, runMs } from "../stage/process.ts";

const HELP = `Measures an idle agent, with its stream open to a coordinator.

Usage: pnpm bench:agent [--json] [--settle-s N] [--window-s N] [--workload]

Options:
  --json        one line of JSON: {rssMB, children, writesPerMinute, writesPerWake, cpuPct, firstRpcMs, stay: {…}}
  --settle-s N  how long the agent is left alone before it is measured (default 40)
  --window-s N  how long it is measured (default 60)
  --workload    with a workload that is asked every second; without, the box has none

The figures are those of the form in which the launcher becomes the agent; under \`stay\` those of an agent beside a
launcher that stays, whose memory is counted too. rssMB and firstRpcMs: mebibytes, and milliseconds from the start of
the launcher to the open session. children: the most that were seen at once. cpuPct: percent of one core.

Exit codes: 0 measured, 1 failed.

Example: pnpm bench:agent --json
`;

/** Between two looks at the children, in milliseconds: shorter than any process lives. */
const LOOK_MS = 20;
/** How long an agent may take to its first session, in milliseconds. */
const SESSION_MS = 30_000;

interface Figures {
  readonly rssMB: number;
  readonly children: number;
  readonly writesPerMinute: number;
  readonly writesPerWake: number;
  readonly cpuPct: number;
  readonly firstRpcMs: number;
}

interface Wishes {
  readonly settleMs: number;
  readonly windowMs: number;
}

/** Everything as on a box, but that the first ask comes at once and no chance is waited for before the stream opens. */
const CONFIG = { first_ask_within_ms: 0, reconnect_min_ms: 10, log_level: "info" } as const;

async function config(house: House): Promise<Readonly<Record<string, unknown>>> {
  return { ...CONFIG, workload: { env: { BENCH_PORT: String(await freePort()), BENCH_TIMES: house.path("times") } } };
}

/** The agent's workload, once the agent has been ended, is nobody's to end but ours. */
function endWorkload(device: ProvisionedDevice): void {
  const file = `${device.deviceDir}/run/workload`;
  if (!existsSync(file)) return;
  const { pid } = unseal(readFileSync(file)) as { readonly pid: number };
  process.kill(-pid, "SIGKILL");
}

async function measure(
  fleet: BenchFleet,
  device: ProvisionedDevice,
  form: "exec" | "stay",
  { settleMs, windowMs }: Wishes,
): Promise<Figures> {
  const logFile = fleet.house.path("logs", `${form}.log`);
  const log = openSync(logFile, "a");
  const startedMs = Date.now();
  const args = [device.launcher, "--config", device.configFile, "--form", form];
  const launcher = spawn(`${device.deviceDir}/factory/runtime/node`, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  try {
    const said = (word: string): Record<string, unknown> | undefined => {
      const lines = readFileSync(logFile, "utf8").split("\n");
      const line = lines.find((each) => each.includes(word));
      return line === undefined ? undefined : (JSON.parse(line) as Record<string, unknown>);
    };
    const { hopeless } = fleet.house;
    await until("a session", SESSION_MS, async () => said("session opened") !== undefined, hopeless);
    const firstRpcMs = Number(said("session opened")?.["time"]) - startedMs;
    await until("a verdict", SESSION_MS, async () => said('"verdict"') !== undefined, hopeless);
    await sleep(settleMs);

    const pid = launcher.pid ?? 0;
    const processes = form === "exec" ? [pid] : [pid, ...childrenOf(pid)];
    const agent = processes.at(-1) ?? 0;
    let writes = 0;
    const watcher = watch(device.deviceDir, { recursive: true }, () => (writes += 1));
    const before = processes.map(runMs).reduce((sum, ms) => sum + ms, 0);
    const beganMs = performance.now();
    let children = 0;
    while (performance.now() - beganMs < windowMs) {
      children = Math.max(children, childrenOf(agent).length - (values.workload ? 1 : 0));
      await sleep(LOOK_MS);
    }
    const lastedMs = performance.now() - beganMs;
    const spentMs = processes.map(runMs).reduce((sum, ms) => sum + ms, 0) - before;
    const rssMB = processes.map(rssMib).reduce((sum, mib) => sum + mib, 0);
    const idleWrites = writes;

    await fleet.moult(["nudge"]);
    const verdicts = (): number => readFileSync(logFile, "utf8").split('"verdict"').length - 1;
    const asked = verdicts();
    await until("the wake's verdict", SESSION_MS, async () => verdicts() > asked, hopeless);
    // Whatever a wake writes, it writes with its verdict.
    await sleep(1_000);
    watcher.close();
    return {
      rssMB: round(rssMB, 1),
      children,
      writesPerMinute: round((idleWrites * 60_000) / lastedMs, 1),
      writesPerWake: writes - idleWrites,
      cpuPct: round((spentMs * 100) / lastedMs, 3),
      firstRpcMs,
    };
  } finally {
    launcher.kill("SIGTERM");
    if (launcher.exitCode === null && launcher.signalCode === null) await once(launcher, "exit");
    if (form === "exec") endWorkload(device);
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    "settle-s": { type: "string", default: "40" },
    "window-s": { type: "string", default: "60" },
    workload: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const house = await House.open();
try {
  const fleet = await BenchFleet.open(house);
  const program = house.path("work.mjs");
  await bundleWorkload(program, 0);
  const workload = values.workload
    ? { parts: [`work.mjs=${program}`], workload: ["--workload-command", "{slot}/runtime/node", "{slot}/work.mjs"] }
    : { workload: ["--workload-kind", "none"] };
  const build = await fleet.build({ version: "1.0.0", counter: 1, ...workload });
  const wishes = { settleMs: Number(values["settle-s"]) * 1000, windowMs: Number(values["window-s"]) * 1000 };
  const figures = await measure(fleet, await fleet.device("e", build, await config(house)), "exec", wishes);
  const stay = await measure(fleet, await fleet.device("s", build, await config(house)), "stay", wishes);
  const all = { ...figures, stay };
  process.stdout.write(values.json ? `${JSON.stringify(all)}\n` : `${JSON.stringify(all, undefined, 2)}\n`);
} finally {
  await house.close(undefined);
}
