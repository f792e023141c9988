/** `pnpm bench:store`: see `--help`. Both engines are real: a file in the temporary folder, a server of its own. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import type { Store, StoreChange } from "../../../apps/coordinator/src/store/port.ts";
import { openPostgresStore } from "../../../apps/coordinator/src/store/postgres/store.ts";
import { openSqliteStore } from "../../../apps/coordinator/src/store/sqlite/store.ts";
import { enrolled, said, permitOf } from "../../../apps/coordinator/src/store/testing/changes.ts";
import {
  POSTGRES_MISSING,
  PostgresServer,
  postgresBinaries,
} from "../../../apps/coordinator/src/store/testing/postgres-server.ts";
import { HELP, type Options, readOptions } from "./options.ts";

/** Asks a batch. The last is what the coordinator commits at most. */
const BATCHES = [1, 50, 500];
const POOLS = 20;
/** Enrolled at a time while the store is filled. */
const FILL = 5_000;

/** A store's place, and how to open it. */
interface Engine {
  readonly name: string;
  readonly open: () => Promise<Store>;
}

const poolOf = (n: number): string => `pool-${n % POOLS}`;

/** What an ask leaves: 8 of 10 say how the node is, one in 10 is granted a permit, one in 10 gives one back. */
function ask(n: number, nodes: number): readonly StoreChange[] {
  // Steps that meet every node, far from the one before.
  const id = (n * 7_919) % nodes;
  const node = said(`node-${id}`, poolOf(id), n);
  const permit = permitOf(`node-${id}`, `permit-${Math.floor(n / 10)}`, poolOf(id));
  if (n % 10 === 0) return [node, { kind: "permit", permit }];
  if (n % 10 === 9) return [node, { kind: "permit-ended", permit, end: "COMMITTED" }];
  return [node];
}

async function fill(store: Store, nodes: number): Promise<void> {
  for (let first = 0; first < nodes; first += FILL) {
    const ids = Array.from({ length: Math.min(FILL, nodes - first) }, (_, k) => first + k);
    const changes = ids.flatMap((id): StoreChange[] => [
      enrolled(`node-${id}`, poolOf(id)),
      said(`node-${id}`, poolOf(id)),
    ]);
    await store.commit({ changes, atMs: first });
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2));
}

async function batches(engine: Engine, store: Store, batch: number, { nodes, seconds }: Options): Promise<object> {
  const tookMs: number[] = [];
  const cpu = process.cpuUsage();
  const pauses = monitorEventLoopDelay({ resolution: 1 });
  pauses.enable();
  const begun = performance.now();
  let asks = 0;
  while (performance.now() - begun < seconds * 1_000) {
    const changes = Array.from({ length: batch }, (_, k) => ask(asks + k, nodes)).flat();
    const from = performance.now();
    await store.commit({ changes, atMs: asks });
    tookMs.push(performance.now() - from);
    asks += batch;
    // As between two batches of the coordinator.
    await turn();
  }
  const elapsedS = (performance.now() - begun) / 1_000;
  pauses.disable();
  const { user, system } = process.cpuUsage(cpu);
  tookMs.sort((a, b) => a - b);
  return {
    case: "batches",
    engine: engine.name,
    nodes,
    batch,
    perS: Math.round(asks / elapsedS),
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
    cpuUsPerAsk: Math.round((user + system) / asks),
    pauseMsMax: Math.round(pauses.max / 1e6),
  };
}

async function coldStart(engine: Engine, nodes: number): Promise<object> {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const store = await engine.open();
  const opened = performance.now();
  const snapshot = await store.load();
  const loaded = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  await store.close();
  if (snapshot.nodes.length !== nodes) throw new Error(`${snapshot.nodes.length} nodes were loaded, not ${nodes}`);
  const [openS, loadS] = [opened - begun, loaded - opened].map((ms) => Number((ms / 1_000).toFixed(2)));
  return {
    case: "cold-start",
    engine: engine.name,
    nodes,
    openS,
    loadS,
    cpuS: Number(((user + system) / 1e6).toFixed(2)),
    rssMB: Math.round(process.memoryUsage.rss() / 1e6),
  };
}

async function measure(engine: Engine, options: Options, tell: (row: object) => void): Promise<void> {
  const store = await engine.open();
  await fill(store, options.nodes);
  for (const batch of BATCHES) tell(await batches(engine, store, batch, options));
  if (options.startNodes > options.nodes) await fill(store, options.startNodes);
  await store.close();
  tell(await coldStart(engine, Math.max(options.nodes, options.startNodes)));
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return void process.stdout.write(HELP);
  const tell = (row: object): void => void process.stdout.write(`${JSON.stringify(row)}\n`);
  const folder = mkdtempSync(join(tmpdir(), "moult-bench-store-"));
  try {
    if (options.engines.includes("sqlite")) {
      await measure(
        { name: "sqlite", open: async () => openSqliteStore(join(folder, "moult.db"), "bench") },
        options,
        tell,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (!options.engines.includes("postgres")) return;
  if (postgresBinaries() === undefined) return void process.stderr.write(`${POSTGRES_MISSING}\n`);
  const server = await PostgresServer.start({ shared_buffers: "256MB", max_wal_size: "4GB" });
  try {
    const url = await server.database();
    const open = (): Promise<Store> =>
      openPostgresStore({ url, network: "bench", owner: randomUUID(), log: { warn: () => {} } });
    await measure({ name: "postgres", open }, options, tell);
  } finally {
    await server.remove();
  }
}

await main();
