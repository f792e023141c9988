/**
 * `pnpm bench:load`: how long the shipped coordinator takes from the start of its process until it serves, on a store whose
 * nodes have all asked before, and what it holds in memory then. The store is filled first, which is not measured.
 */
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { sqlitePath, openStore } from "../../../apps/coordinator/src/store/open.ts";
import { PostgresServer } from "../../../apps/coordinator/src/store/testing/postgres-server.ts";
import { NETWORK, fill } from "../coordinator/fill.ts";
import { PAUSES_FILE, type Second } from "../coordinator/pauses.ts";
import { Place } from "../coordinator/servers.ts";
import { rssMib, wholeRunMs } from "../stage/process.ts";

const HELP = `Measures the cold start of a coordinator, from the start of its process until it serves.

Usage: pnpm bench:load [--json] [--nodes N] [--engine E] [--starts N] [--keep DIR]

Options:
  --json      one line of JSON a start
  --nodes N   enrolled nodes; each has asked before (default 1000000)
  --engine E  the store: sqlite, or postgres from the system's binaries, started for the bench (default sqlite)
  --starts N  how often it is started (default 1)
  --keep DIR  keep the store of sqlite in DIR, or take the one that is there

Rows: {engine, nodes, startMs, cpuMs, rssMB, idlePauseMaxMs, idleBusyMaxMs, heapMB}. cpuMs is processor time of all
threads until it served; idlePauseMaxMs is the longest pause of its event loop in the five seconds after that, and
idleBusyMaxMs what of a pause was its own work, not waiting for a processor.

Exit codes: 0 measured, 1 failed.

Example: pnpm bench:load --nodes 1000000 --engine sqlite --json
`;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    nodes: { type: "string", default: "1000000" },
    engine: { type: "string", default: "sqlite" },
    starts: { type: "string", default: "1" },
    keep: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const { engine } = values;
if (engine !== "sqlite" && engine !== "postgres") throw new Error(`there is no engine ${engine}; sqlite or postgres`);
const nodes = Number(values.nodes);
const WATCHED_MS = 5_000;
/** Nodes of the bench's wide pool. */
const WIDE = 256;

const folder = mkdtempSync(join(tmpdir(), "moult-bench-"));
const database = engine === "postgres" ? await PostgresServer.start() : undefined;
try {
  const place = new Place(values.keep ?? folder);
  const url = (await database?.database()) ?? "sqlite";
  if (database !== undefined || !existsSync(sqlitePath(place.stateDir))) {
    process.stderr.write(`filling a store with ${nodes} nodes\n`);
    const log = { info: () => {}, warn: () => {} };
    const parts = { store: url, stateDir: place.stateDir, network: NETWORK, owner: randomUUID(), log };
    const store = await openStore(parts);
    await fill(store, nodes, WIDE);
    await store.close();
  }
  for (let n = 0; n < Number(values.starts); n += 1) await start(place, url, n);
} finally {
  await database?.remove();
  rmSync(folder, { recursive: true, force: true });
}

async function start(place: Place, url: string, n: number): Promise<void> {
  const pauses = join(folder, `pauses-${n}.jsonl`);
  const preload = `--import ${new URL("../coordinator/pauses.ts", import.meta.url).href}`;
  const server = await place.coordinator({ MOULT_STORE: url, [PAUSES_FILE]: pauses, NODE_OPTIONS: preload });
  const pid = server.pids[0] ?? 0;
  const cpuMs = wholeRunMs(pid);
  const rssMB = Math.round(rssMib(pid));
  const startMs = Math.round(server.startMs);
  await sleep(WATCHED_MS);
  const seconds = readFileSync(pauses, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Second);
  const idle = seconds.filter(({ atMs }) => atMs > startMs + 1_000);
  const idlePauseMaxMs = Math.max(0, ...idle.map(({ maxMs }) => maxMs));
  const idleBusyMaxMs = Math.max(0, ...idle.map(({ busyMaxMs }) => busyMaxMs));
  const row = { engine, nodes, startMs, cpuMs, rssMB, idlePauseMaxMs, idleBusyMaxMs, heapMB: seconds.at(-1)?.heapMB };
  if (values.json) process.stdout.write(`${JSON.stringify(row)}\n`);
  else process.stdout.write(`${JSON.stringify(row, undefined, 1)}\n`);
  await server.stop();
}
