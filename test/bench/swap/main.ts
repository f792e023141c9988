/**
 * `pnpm bench:swap`: how long a workload is away in a move. Whole devices, coordinator and council; a caller asks the
 * workload all along, so that a pause is what a user would see, and not what the agent says of itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { bundleWorkload } from "../stage/bundle-workload.ts";
import { freePort } from "../stage/free-port.ts";
import { House } from "../../demo/harness/house.ts";
import { until } from "../../demo/harness/until.ts";
import { BenchFleet } from "../stage/fleet.ts";

const HELP = `Measures how long a workload pauses while its box moves to another build.

Usage: pnpm bench:swap [--json] [--moves N]

Options:
  --json     one line of JSON: {agentOnlyPauseMs, agentOnlyRefused, drainedToServingMs, ownStartMs, overheadMs, unservedMs, moves}
  --moves N  how many moves of each kind (default 5)

agentOnlyPauseMs: the longest time between two answers in moves that change the agent alone, beyond what the caller
waits between two calls; 0 where no call went unanswered. drainedToServingMs: median from the end of the drain until the
new workload answers; ownStartMs: median of what the workload itself takes to start; overheadMs: the difference.
unservedMs: median of what the caller saw, the drain included: it asks a box that no router leads it away from.

Exit codes: 0 measured, 1 failed.

Example: pnpm bench:swap --json
`;

const CALL_EVERY_MS = 5;
const MOVE_MS = 60_000;

/** One call: true where the workload serves. */
function call(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (data: Buffer) => (said += data.toString("latin1")));
    // `close` follows.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(said === "1"));
  });
}

/** Calls all along. */
class Caller {
  readonly #port: number;
  #stopped = false;
  /** Calls that were not served, since `reset`. */
  refused = 0;
  /** The longest row of them, in milliseconds. */
  pauseMs = 0;
  /** When the last row of them was over, in milliseconds of the wall clock. */
  backAtMs = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async run(): Promise<void> {
    let awaySinceMs: number | undefined;
    while (!this.#stopped) {
      const askedMs = performance.now();
      if (await call(this.#port)) {
        if (awaySinceMs !== undefined) {
          this.pauseMs = Math.max(this.pauseMs, performance.now() - awaySinceMs);
          this.backAtMs = Date.now();
        }
        awaySinceMs = undefined;
      } else {
        this.refused += 1;
        awaySinceMs ??= askedMs;
      }
      await sleep(CALL_EVERY_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const round = (value: number): number => Math.round(value * 10) / 10;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    moves: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const moves = Number(values.moves);
const house = await House.open();
let launcher: ChildProcess | undefined;
try {
  const hurried = { report_fresh_ms: 6000, permit_ttl_ms: 45_000, drain_grace_ms: 8000, absence_predicted_ms: 3000 };
  const retry = { allowlist_ms: 500, dial_ms: 500, capacity_ms: 300 };
  const fleet = await BenchFleet.open(house, { capacity: { margin_ratio: 0, ...hurried }, retry });
  const { hopeless } = house;
  let counter = 0;
  const build = async (variant: number): Promise<{ readonly dir: string; readonly version: string }> => {
    counter += 1;
    const file = house.path(`work-${variant}.mjs`);
    await bundleWorkload(file, variant);
    const version = `${counter}.0.0`;
    const command = ["--workload-command", "{slot}/runtime/node", "{slot}/work.mjs"];
    const trial = ["--health-timeout-ms", "20000", "--soak-ms", "200"];
    const dir = await fleet.build({ version, counter, parts: [`work.mjs=${file}`], workload: [...command, ...trial] });
    return { dir, version };
  };
  const port = await freePort();
  const times = house.path("times");
  const first = await build(0);
  const device = await fleet.device("d", first.dir, {
    workload: { env: { BENCH_PORT: String(port), BENCH_TIMES: times } },
    wake_interval_ms: 500,
    first_ask_within_ms: 0,
    nudge_jitter_ms: 50,
    pulse_interval_ms: 500,
    reconnect_min_ms: 20,
    quiet_ms: 100,
  });
  const logFile = house.path("logs", "device.log");
  const log = openSync(logFile, "a");
  const args = [device.launcher, "--config", device.configFile];
  launcher = spawn(`${device.deviceDir}/factory/runtime/node`, args, { stdio: ["ignore", log, log] });
  closeSync(log);
  await until("the workload serves", MOVE_MS, () => call(port), hopeless);

  /** Told outcomes, from the agent's log. */
  const outcomes = (): readonly { readonly kind: string; readonly swapMs: number }[] =>
    readFileSync(logFile, "utf8")
      .split("\n")
      .filter((line) => line.includes('"outcome told"'))
      .map((line) => JSON.parse(line) as { readonly kind: string; readonly swapMs: number });
  /** When the last drain was over, by the agent's log, in milliseconds of the wall clock. */
  const drainedAtMs = (): number => {
    const lines = readFileSync(logFile, "utf8").split("\n");
    const last = lines.findLast((line) => line.includes('"from":"DRAINING","to":"DEPARTING"')) ?? '{"time":0}';
    return (JSON.parse(last) as { readonly time: number }).time;
  };
  const move = async (variant: number): Promise<Caller> => {
    const { version } = await build(variant);
    const told = outcomes().length;
    const caller = new Caller(port);
    const calling = caller.run();
    await fleet.moult(["dial", "set", version, "everyone", "--yes"]);
    await fleet.moult(["nudge"]);
    await until(`the outcome of ${version}`, MOVE_MS, () => outcomes().length > told, hopeless);
    if (outcomes().at(-1)?.kind !== "COMMITTED") throw new Error(`the move to ${version} was not kept`);
    caller.stop();
    await calling;
    return caller;
  };
  const agentOnly: Caller[] = [];
  for (let count = 0; count < moves; count += 1) agentOnly.push(await move(0));
  const startsBefore = readFileSync(times, "utf8").trim().split("\n").length;
  const away: number[] = [];
  const unserved: number[] = [];
  for (let variant = 1; variant <= moves; variant += 1) {
    const caller = await move(variant);
    away.push(caller.backAtMs - drainedAtMs());
    unserved.push(caller.pauseMs);
  }
  const starts = readFileSync(times, "utf8").trim().split("\n").slice(startsBefore).map(Number);
  const drainedToServingMs = median(away);
  const ownStartMs = median(starts);
  const figures = {
    agentOnlyPauseMs: round(Math.max(...agentOnly.map(({ pauseMs }) => pauseMs))),
    agentOnlyRefused: agentOnly.reduce((sum, { refused }) => sum + refused, 0),
    drainedToServingMs: round(drainedToServingMs),
    ownStartMs: round(ownStartMs),
    overheadMs: round(drainedToServingMs - ownStartMs),
    unservedMs: round(median(unserved)),
    moves,
  };
  process.stdout.write(values.json ? `${JSON.stringify(figures)}\n` : `${JSON.stringify(figures, undefined, 2)}\n`);
} finally {
  if (launcher !== undefined) {
    launcher.kill("SIGTERM");
    if (launcher.exitCode === null && launcher.signalCode === null) await once(launcher, "exit");
  }
  await house.close(undefined);
}
