/**
 * `pnpm bench`: what a coordinator carries. Drives the shipped coordinator over real gRPC and TLS from a process of its
 * own, beside a server that does nothing, in one run: the ratio between the two is what says something on a noisy machine.
 */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openStore } from "../../../apps/coordinator/src/store/open.ts";
import { PostgresServer } from "../../../apps/coordinator/src/store/testing/postgres-server.ts";
import { rssMib, runMs, writtenBytes } from "../stage/process.ts";
import { Caller } from "./caller.ts";
import { HELD_CASES, type HeldCase, holdings, untilStill } from "./held.ts";
import { BUILDS, COMPANY, NETWORK, fill, nodeIds } from "./fill.ts";
import { PATHS, Voice } from "./frames.ts";
import type { Answer, Member, Order } from "./orders.ts";
import { PAUSES_FILE, type Second } from "./pauses.ts";
import { Place, type Server } from "./servers.ts";

const CASES = [
  "noop",
  "ask",
  "noop-256",
  "ask-256",
  "ask-half",
  "ask-fresh",
  "pulse",
  "permit-cycle",
  ...HELD_CASES,
  "sustain",
] as const;
type Case = (typeof CASES)[number];
/** Each kind beside its ceiling: a machine that is busier for a while is busier for both. */
const PAIRED: readonly Case[] = ["noop", "ask", "noop-256", "ask-256"];

const HELP = `Measures a coordinator over real gRPC, beside a server that does nothing.

Usage: pnpm bench [--json] [--nodes N,…] [--cases C,…] [--engine E] [--replicas N] [--rounds N]
                  [--count-s N] [--sustain-s N] [--streams N]

Options:
  --json         one line of JSON a row, then nothing else
  --nodes N,…    enrolled nodes, one row set for each (default 100000)
  --cases C,…    of ${CASES.join(", ")} (default: all but sustain)
  --engine E     the store: sqlite, or postgres from the system's binaries, started for the bench (default sqlite)
  --replicas N   so many coordinators on postgres, called in turn; one decides (default 1)
  --rounds N     so often are noop, ask, noop-256 and ask-256 measured, in turn (default 1)
  --count-s N    how long each case counts, in seconds (default 10)
  --sustain-s N  how long sustain counts, in seconds (default 600)
  --streams N    streams, or connections, that are held (default 10000)

Rows: {case, engine, replicas, nodes, connections, inFlight, perS, p50Ms, p99Ms, cpuUsPerCall, cpuPct, rssMB,
writtenBytesPerCall, ceilingRatio, failed, pauseMaxMs, busyMaxMs}. cpuUsPerCall is the server's processor time for a call,
all threads; cpuPct is of one core; pauseMaxMs is the longest pause of the event loop, and busyMaxMs what of one was work and
not waiting for a processor. ceilingRatio is perS through that of the no-op server with as many connections, in this run.
writtenBytesPerCall is what the store's log grew by (postgres), or what the process wrote to files (sqlite), for a call. permit-cycle counts whole
cycles: permit, departure, return. streams holds each on a connection of its own, streams-shared a hundred on one, connections
holds none: perS is absent, kbEach is there, in KiB of a coordinator's memory that does nothing else, once it stands still.
Coordinators run with the environment that their systemd unit gives them.

Exit codes: 0 measured, 1 failed.

Example: pnpm bench --cases noop,ask --json
`;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    nodes: { type: "string", default: "100000" },
    cases: { type: "string", default: CASES.filter((name) => name !== "sustain").join() },
    engine: { type: "string", default: "sqlite" },
    replicas: { type: "string", default: "1" },
    rounds: { type: "string", default: "1" },
    "count-s": { type: "string", default: "10" },
    "sustain-s": { type: "string", default: "600" },
    streams: { type: "string", default: "10000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const wanted = values.cases.split(",") as readonly Case[];
const unknown = wanted.find((name) => !CASES.includes(name));
if (unknown !== undefined) throw new Error(`there is no case ${unknown}; there are ${CASES.join(", ")}`);
const { engine } = values;
if (engine !== "sqlite" && engine !== "postgres") throw new Error(`there is no engine ${engine}; sqlite or postgres`);
const replicas = Number(values.replicas);
if (!(replicas >= 1) || (replicas > 1 && engine === "sqlite"))
  throw new Error("replicas share postgres: --engine postgres");
const countS = Number(values["count-s"]);

/** Nodes with a session; more than speak at once, so that no two asks in a row are one node's. */
const SPEAKERS = 2_000;
/** Longer than memory is waited for: a load stops by itself. */
const HOLD_S_MAX = 120;
/** Nodes that can be spared, one for each client of permit-cycle. */
const WIDE = 256;

interface Row {
  readonly case: string;
  readonly engine: string;
  readonly replicas: number;
  readonly nodes: number;
  readonly [figure: string]: string | number | undefined;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const rows: Row[] = [];
const tell = (row: Row): void => {
  rows.push(row);
  if (values.json) process.stdout.write(`${JSON.stringify(row)}\n`);
  else
    say(
      Object.entries(row)
        .map(([name, value]) => `${name}=${value}`)
        .join(" "),
    );
};
const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** A figure of a server, summed over its processes. */
function ofAll({ pids }: Server, figure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + figure(pid), 0);
}

/** Runs one load, until `enough` says so where it is given; what the server spent while it counted. */
async function load(
  server: Server,
  order: Order,
  enough?: () => Promise<unknown>,
): Promise<Answer & { readonly cpuMs: number; readonly rssMB: number; readonly pauses: readonly Second[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "load.ts")], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify(order));
  let [said, beganMs, endedMs, rssMB] = ["", 0, 0, 0];
  let [from, to] = [0, 0];
  child.stdout.on("data", (data: Buffer) => {
    const text = data.toString("utf8");
    said += text;
    if (text.includes("count\n")) {
      beganMs = ofAll(server, runMs);
      from = pausesSoFar().length;
      void enough?.().finally(() => child.kill("SIGTERM"));
    }
    if (text.includes("counted\n")) {
      to = pausesSoFar().length;
      endedMs = ofAll(server, runMs);
      rssMB = ofAll(server, rssMib);
    }
  });
  const [code] = (await once(child, "close")) as [number];
  if (code !== 0) throw new Error(`the load process ended with ${code}`);
  const answer = JSON.parse(said.trim().split("\n").at(-1) ?? "") as Answer;
  return { ...answer, cpuMs: endedMs - beganMs, rssMB, pauses: pausesSoFar().slice(from, to) };
}

/** What the coordinators have said of their pauses so far, a second each. */
function pausesSoFar(): readonly Second[] {
  if (!existsSync(pausesFile)) return [];
  const lines = readFileSync(pausesFile, "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Second);
}

const folder = mkdtempSync(join(tmpdir(), "moult-bench-"));
const pausesFile = join(folder, "pauses.jsonl");
const database = engine === "postgres" ? await PostgresServer.start() : undefined;
try {
  for (const nodes of values.nodes.split(",").map(Number)) await measure(nodes);
} finally {
  await database?.remove();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(nodes: number): Promise<void> {
  const place = new Place(join(folder, String(nodes)));
  const speakers = Math.min(nodes - WIDE - COMPANY, wanted.includes("sustain") ? 20_000 : SPEAKERS);
  say(`filling a store with ${nodes} nodes`);
  const url = (await database?.database()) ?? "sqlite";
  const log = { info: () => {}, warn: () => {} };
  const parts = { store: url, stateDir: place.stateDir, network: NETWORK, owner: randomUUID(), log };
  const store = await openStore(parts);
  await fill(store, nodes, WIDE);
  await store.close();
  const [tight, wide, company] = await Promise.all([
    place.members(nodeIds("tight", speakers)),
    place.members(nodeIds("wide", WIDE)),
    place.members(nodeIds("company", COMPANY)),
  ]);
  const preload = `--import ${new URL("./pauses.ts", import.meta.url).href}`;
  const env = { MOULT_STORE: url };
  // Whose pauses hold up the fleet is the one that decides; watching takes 17 ms of processor a second in each process watched.
  const watched = { [PAUSES_FILE]: pausesFile, NODE_OPTIONS: preload };
  const start = (): Promise<Server> =>
    replicas === 1 ? place.coordinator({ ...env, ...watched }) : place.replicas(replicas, env, watched);
  let server = await start();
  const facts = { engine, replicas, nodes };
  tell({ case: "cold-start", ...facts, startMs: round(server.startMs), rssMB: round(ofAll(server, rssMib)) });
  const { ca } = place.tls;
  const order = (over: Partial<Order> & Pick<Order, "what">): Order => ({
    addresses: server.addresses,
    ca,
    connections: 10,
    inFlight: 100,
    warmS: 3,
    countS,
    members: tight,
    builds: BUILDS,
    ...over,
  });
  const ceilings = new Map<number, number>();
  const row = async (name: Case, on: Server, given: Order): Promise<Answer> => {
    say(`${name} at ${nodes} nodes`);
    const before = await written(on, url);
    const answer = await load(on, given);
    const bytes = (await written(on, url)) - before;
    const perS = answer.calls / answer.seconds;
    const ceiling = ceilings.get(given.connections);
    if (name.startsWith("noop")) ceilings.set(given.connections, perS);
    tell({
      case: name,
      ...facts,
      connections: given.connections,
      inFlight: given.inFlight,
      perS: round(perS),
      p50Ms: round(answer.p50Ms, 2),
      p99Ms: round(answer.p99Ms, 2),
      cpuUsPerCall: round((answer.cpuMs * 1000) / Math.max(1, answer.calls + answer.pulses)),
      cpuPct: round(answer.cpuMs / answer.seconds / 10),
      rssMB: round(answer.rssMB),
      // Of all calls, those before it counts as well.
      ...(!name.startsWith("noop") && { writtenBytesPerCall: round(bytes / Math.max(1, answer.allCalls), 0) }),
      ...(ceiling !== undefined && name.startsWith("ask") && { ceilingRatio: round(perS / ceiling, 2) }),
      ...(answer.pulses > 0 && { pulsesPerS: round(answer.pulses / answer.seconds) }),
      ...(answer.pauses.length > 0 &&
        on === server && {
          pauseMaxMs: Math.max(...answer.pauses.map(({ maxMs }) => maxMs)),
          busyMaxMs: Math.max(...answer.pauses.map(({ busyMaxMs }) => busyMaxMs)),
          heapMB: answer.pauses.at(-1)?.heapMB,
        }),
      failed: answer.failed,
      ...(answer.failed > 0 && { failure: answer.failure }),
    });
    return answer;
  };
  const noop = async (connections: number): Promise<void> => {
    const ceiling = await place.ceiling();
    const name = connections === 256 ? "noop-256" : "noop";
    await row(
      name,
      ceiling,
      order({ what: "ask", addresses: [ceiling.address], connections, inFlight: inFlightOf(connections) }),
    );
    await ceiling.stop();
  };
  try {
    const [paired, single] = [PAIRED, CASES.filter((each) => !PAIRED.includes(each))];
    const cases = [...Array.from({ length: Number(values.rounds) }, () => paired).flat(), ...single];
    for (const name of cases.filter((each) => wanted.includes(each))) {
      switch (name) {
        case "noop":
          await noop(10);
          break;
        case "noop-256":
          await noop(256);
          break;
        case "ask":
          await row(name, server, order({ what: "ask" }));
          break;
        case "ask-256":
          await row(name, server, order({ what: "ask", connections: 256, inFlight: inFlightOf(256) }));
          break;
        case "ask-half": {
          const full = Number(rows.findLast((each) => each.case === "ask" && each.nodes === nodes)?.["perS"] ?? 4_000);
          // Half on asks, half of the connections for streams that hold and say next to nothing.
          await row(name, server, order({ what: "sustain", connections: 20, asksPerS: full / 2, pulsesPerS: 1 }));
          break;
        }
        case "ask-fresh":
          await row(name, server, order({ what: "ask-fresh", connections: 0, inFlight: 16 }));
          break;
        case "pulse":
          await row(name, server, order({ what: "pulse", connections: 1_000, inFlight: 0, pulsesPerS: 16_667 }));
          break;
        case "permit-cycle":
          await bringCompany(server, ca, company);
          for (const clients of [1, 64, 256]) {
            await row(
              name,
              server,
              order({ what: "permit-cycle", connections: Math.min(clients, 64), inFlight: clients, members: wide }),
            );
          }
          break;
        case "streams":
        case "streams-shared":
        case "connections": {
          await server.stop();
          server = await start();
          const held = holdings(Number(values.streams))[name];
          await hold(
            name,
            server,
            facts,
            order({ what: "hold", ...held, inFlight: 0, pulsesPerS: 0, warmS: 0, countS: HOLD_S_MAX }),
          );
          break;
        }
        case "sustain":
          await row(
            name,
            server,
            order({
              what: "sustain",
              connections: 2_000,
              asksPerS: 1_111,
              pulsesPerS: 16_667,
              warmS: 20,
              countS: Number(values["sustain-s"]),
            }),
          );
          break;
      }
    }
  } finally {
    await server.stop();
  }
}

function inFlightOf(connections: number): number {
  return connections === 256 ? 256 : 100;
}

/** Holds streams or connections on a server that has done nothing else, until its memory stands still. */
async function hold(name: HeldCase, on: Server, facts: Omit<Row, "case">, held: Order): Promise<void> {
  const { connections, streamsPerConnection = 1 } = held;
  const streams = connections * streamsPerConnection;
  say(`${name}: ${streams} streams on ${connections} connections`);
  const { rssMB: before } = await untilStill(on);
  let still = { afterS: 0, rssMB: 0 };
  const answer = await load(on, held, async () => (still = await untilStill(on)));
  tell({
    case: name,
    engine: String(facts["engine"]),
    replicas: Number(facts["replicas"]),
    nodes: Number(facts["nodes"]),
    connections,
    streams,
    kbEach: round(((still.rssMB - before) * 1024) / (streams || connections)),
    rssMB: round(still.rssMB),
    stillAfterS: round(still.afterS),
    cpuPct: round(answer.cpuMs / answer.seconds / 10),
    failed: answer.failed,
    ...(answer.failed > 0 && { failure: answer.failure }),
  });
}

/** What was written for good so far, in bytes: the database's log, or what the processes handed to the disk. */
async function written(server: Server, url: string): Promise<number> {
  if (database === undefined || url === "sqlite") return ofAll(server, writtenBytes);
  const [row] = await database.query("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS bytes");
  return Number(row?.["bytes"]);
}

/** A few large nodes of `wide` say what they carry, so that the small ones can be spared. */
async function bringCompany(server: Server, ca: string, company: readonly Member[]): Promise<void> {
  const caller = await Caller.open(server.address, ca);
  for (const { nodeId, token } of company) {
    await caller.call(PATHS.ask, token, new Voice(nodeId, { ...BUILDS, staged: "" }, 1_000_000).ask());
  }
  caller.close();
}
if (!values.json) writeFileSync(1, `${JSON.stringify(rows, undefined, 1)}\n`);
