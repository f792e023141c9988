/**
 * A real log for tests: made by the coordinator's own store and sequencer, read once through its own endpoint, and then
 * served from memory over HTTP, where a test may change what it likes of it.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveAudit } from "../../apps/coordinator/src/audit/endpoint.ts";
import { lastCheckpointIn } from "../../apps/coordinator/src/audit/last-checkpoint.ts";
import { readOrMakeLogKey } from "../../apps/coordinator/src/audit/log-key.ts";
import { Sequencer } from "../../apps/coordinator/src/audit/sequencer.ts";
import { Witnesses } from "../../apps/coordinator/src/audit/witnesses.ts";
import type { StoreChange } from "../../apps/coordinator/src/store/port.ts";
import { openSqliteStore } from "../../apps/coordinator/src/store/sqlite/store.ts";

/** What a log serves, by path under its prefix. */
export type Resources = Map<string, Uint8Array>;

/** A log as it was served. */
export interface CapturedLog {
  readonly resources: ReadonlyMap<string, Uint8Array>;
  readonly size: number;
  /** The log's public key as auditors are given it, and its private one, for logs that lie. */
  readonly vkey: string;
  readonly privateKey: Uint8Array;
  readonly origin: string;
}

const POOLS = ["a", "b", "*"] as const;

function change(n: number): StoreChange {
  const poolId = POOLS[n % POOLS.length] ?? "a";
  if (poolId === "*") return { kind: "brake", brake: { engaged: n % 2 === 0, reason: `drill ${n}`, updatedAtMs: n } };
  const identity = {
    nodeId: randomUUID(),
    poolId,
    publicKey: "",
    model: "m",
    labels: {},
    domains: [],
    enrolledAtMs: n,
  };
  return { kind: "enrolled", identity };
}

/** Makes a log of `size` leaves, of which one has a body of its own, and reads all of it. */
export async function captureLog(size: number): Promise<CapturedLog> {
  const folder = mkdtempSync(join(tmpdir(), "moult-audit-test-"));
  const store = openSqliteStore(join(folder, "moult.db"), "demo");
  const random = { bytes: (count: number) => randomBytes(count), uuid: () => randomUUID() };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const key = readOrMakeLogKey(folder, "demo/log", random);
  const { tree } = store;
  const witnesses = new Witnesses({ witnesses: [], quorum: 0, tree, log });
  const last = lastCheckpointIn(folder, key.verifier);
  const clock = { now: () => 0 };
  const sequencer = new Sequencer({ tree, network: "demo", key, last, witnesses, witnessCount: 0, clock });
  const override = {
    overrideId: "o",
    poolId: "a",
    nodeIds: Array.from({ length: 4_000 }, (_, n) => `node-${n}`),
    reason: "drill",
    deficitMaxRps: 1,
    allowShardAndDomain: false,
    expiresAtMs: 1,
  };
  const changes = Array.from({ length: size - 1 }, (_, n) => change(n));
  await store.commit({ changes: [...changes, { kind: "override", override }], atMs: 7 });
  while (await sequencer.round());
  const parts = { tree, published: () => sequencer.published };
  const server = createServer((request, response) => void serveAudit(parts, request, response));
  try {
    const resources = await readAll(await listen(server), size);
    const vkey = readFileSync(join(folder, "log.vkey"), "utf8").trim();
    return { resources, size, vkey, privateKey: key.privateKey, origin: "demo/log" };
  } finally {
    await close(server);
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readAll(url: string, size: number): Promise<Resources> {
  const resources: Resources = new Map();
  const read = async (path: string): Promise<Uint8Array> => {
    const answer = await fetch(`${url}/v1/audit/${path}`);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    resources.set(path, bytes);
    return bytes;
  };
  await read("checkpoint");
  for (let level = 0; 256 ** level <= size; level += 1) {
    const width = Math.floor(size / 256 ** level);
    for (let index = 0; index * 256 < width; index += 1) {
      const part = Math.min(256, width - index * 256);
      const name = `${String(index).padStart(3, "0")}${part === 256 ? "" : `.p/${part}`}`;
      await read(`tile/${level}/${name}`);
      const bundle = level === 0 ? await read(`tile/entries/${name}`) : new Uint8Array();
      for (const [, digest] of Buffer.from(bundle)
        .toString("latin1")
        .matchAll(/"body_sha256":"([0-9a-f]{64})"/g)) {
        await read(`body/${digest}`);
      }
    }
  }
  return resources;
}

/** Serves resources, as they are at the moment of each request, under the URL it resolves to. */
export async function serveResources(
  resources: () => ReadonlyMap<string, Uint8Array>,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const bytes = resources().get((request.url ?? "").replace(/^\//, ""));
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  });
  return { url: await listen(server), stop: () => close(server) };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
