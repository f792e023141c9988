/** The options of `simulate`, and the worlds they mean. It reads the files that are named, and nothing else. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import type { Policy } from "../engine/controller.ts";
import { POLICIES, policyNamed } from "../policies/index.ts";
import {
  DAY_MINUTES,
  FAULTS,
  MINUTE_MS,
  NO_FAULTS,
  type Tightness,
  type WorldOptions,
  worldOptions,
} from "../world/options.ts";
import { parseAvailability, parseDemand, windowStarts } from "../world/trace.ts";

/** What is to be done. */
export interface Request {
  readonly worlds: readonly WorldOptions[];
  readonly policies: readonly Policy[];
  readonly json: boolean;
  readonly help: boolean;
  readonly plotFile: string | undefined;
  readonly threads: number;
}

/** An option that cannot be used; the message says which and what would do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** From this size on, nodes that are done go on asking every 15 minutes and the whole time is simulated. */
const LARGE_NODES = 100_000;
/** How often a node that is up to date asks. */
const IDLE_ASK_MS = 15 * MINUTE_MS;
/** Large fleets speak every 15 minutes beside their asks, small ones every minute. */
const PULSE_MS = { large: 15 * MINUTE_MS, small: MINUTE_MS };
const TIGHTNESSES: readonly Tightness[] = ["tight", "mixed", "loose"];

/** What `--help` prints. */
export const HELP: string = `simulate: runs rollout policies in the same simulated worlds and compares them

  --nodes N              nodes of the fleet (1000)
  --pools N              pools they form (√N / 2.5)
  --seeds A,B,…          a world for each seed (1,2,3,4,5; 1 from ${LARGE_NODES} nodes)
  --tightness T          tight, mixed or loose: how near the peak comes to the capacity (tight)
  --start-hour H         hour of the day at which the rollout starts, 0–23 (15)
  --days D               days that are simulated from the start on (6)
  --history-days D       days before, from which forecasts learn (1)
  --outage-every HOURS   mean time between outages of an ISP, 0 for none (48)
  --demand FILE          replay a demand series: CSV of minute,value
  --windows N            so many windows of that series, evenly spread (1)
  --availability FILE    replay up times: CSV of node,start_minute,end_minute
  --prepare on|off       pull before the absence or within it (off)
  --faults on|off        lost and doubled messages, restarts, liars, failed trials (off)
  --idle-asks on|off     nodes that are done ask every 15 minutes to the end (on from ${LARGE_NODES} nodes)
  --pulse SECONDS        how often a node says how it is (60; 900 from ${LARGE_NODES} nodes)
  --policy NAME,…        ${POLICIES.map((policy) => policy.name).join(", ")} (all)
  --threads N            threads for large worlds (one a processor)
  --plot FILE            an SVG of demand, capacity and leaves over time, of the first policy in the first world
  --json                 one line of JSON

Example: simulate --nodes 1000 --seeds 1,2,3,4,5 --tightness tight --prepare off
`;

/** Reads the arguments. Throws UsageError or TraceError. */
export function readArguments(args: readonly string[]): Request {
  const { values } = parse(args);
  const nodes = whole("nodes", values.nodes ?? "1000", 1);
  const large = nodes >= LARGE_NODES;
  const common = worldOptions({
    nodes,
    ...(values.pools === undefined ? {} : { pools: whole("pools", values.pools, 1, nodes) }),
    tightness: oneOf("tightness", values.tightness ?? "tight", TIGHTNESSES),
    startHour: whole("start-hour", values["start-hour"] ?? "15", 0, 23),
    days: number("days", values.days ?? "6", 0.05, 14),
    historyDays: number("history-days", values["history-days"] ?? "1", 0, 9),
    outageEveryHours: number("outage-every", values["outage-every"] ?? "48", 0),
    prepare: onOff("prepare", values.prepare ?? "off"),
    pulseEveryMs: whole("pulse", values.pulse ?? `${(large ? PULSE_MS.large : PULSE_MS.small) / 1000}`, 1) * 1000,
    idleAskEveryMs: onOff("idle-asks", values["idle-asks"] ?? (large ? "on" : "off")) ? IDLE_ASK_MS : 0,
    faults: onOff("faults", values.faults ?? "off") ? FAULTS : NO_FAULTS,
    ...(values.availability === undefined ? {} : { availability: parseAvailability(readText(values.availability)) }),
  });
  return {
    worlds: worldsOf(common, values),
    policies: values.policy === undefined ? POLICIES : values.policy.split(",").map((name) => policyNamed(name.trim())),
    json: values.json ?? false,
    help: values.help ?? false,
    plotFile: values.plot,
    threads: whole("threads", values.threads ?? `${availableParallelism()}`, 1, 64),
  };
}

function worldsOf(
  common: WorldOptions,
  values: { readonly seeds?: string; readonly demand?: string; readonly windows?: string },
): readonly WorldOptions[] {
  const seeds = values.seeds?.split(",").map((seed) => whole("seeds", seed.trim(), 0, 0x7fffffff));
  if (values.demand === undefined) {
    if (values.windows !== undefined) throw new UsageError("--windows goes with --demand FILE");
    const usual = common.nodes < LARGE_NODES ? [1, 2, 3, 4, 5] : [1];
    return (seeds ?? usual).map((seed) => ({ ...common, seed }));
  }
  const trace = parseDemand(readText(values.demand));
  const starts = windowStarts(trace, whole("windows", values.windows ?? "1", 1, 1000), {
    beforeMinutes: common.historyDays * DAY_MINUTES,
    lengthMinutes: common.days * DAY_MINUTES,
    hour: common.startHour,
  });
  // Without seeds of its own each window gets another fleet.
  return starts.flatMap((startMinute, window) =>
    (seeds ?? [window + 1]).map((seed) => ({ ...common, seed, demand: { trace, startMinute } })),
  );
}

const OPTIONS = {
  nodes: { type: "string" },
  pools: { type: "string" },
  seeds: { type: "string" },
  tightness: { type: "string" },
  "start-hour": { type: "string" },
  days: { type: "string" },
  "history-days": { type: "string" },
  "outage-every": { type: "string" },
  demand: { type: "string" },
  windows: { type: "string" },
  availability: { type: "string" },
  prepare: { type: "string" },
  faults: { type: "string" },
  "idle-asks": { type: "string" },
  pulse: { type: "string" },
  policy: { type: "string" },
  threads: { type: "string" },
  plot: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

type Parsed = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>;

function parse(args: readonly string[]): Parsed {
  try {
    return parseArgs({ args: args.filter((arg) => arg !== "--"), options: OPTIONS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function number(name: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `from ${least} to ${most}`;
  throw new UsageError(`--${name} must be a number ${range}, not "${text}"`);
}

function whole(name: string, text: string, least: number, most?: number): number {
  const value = number(name, text, least, most);
  if (Number.isInteger(value)) return value;
  throw new UsageError(`--${name} must be a whole number, not "${text}"`);
}

function oneOf<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UsageError(`--${name} must be one of ${known.join(", ")}, not "${text}"`);
}

function onOff(name: string, text: string): boolean {
  return oneOf(name, text, ["on", "off"]) === "on";
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read`, { cause: error });
  }
}
