/** `pnpm bench:audit`: see `--help`. Everything is the real thing: store, sequencer, endpoint over TLS, and the command. */
import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inclusionPlan, leafHash, verifyInclusion } from "@moult/trust/audit";
import { lastCheckpointIn } from "../../../apps/coordinator/src/audit/last-checkpoint.ts";
import { serveAudit } from "../../../apps/coordinator/src/audit/endpoint.ts";
import { hashRuns } from "../../../apps/coordinator/src/audit/hashes.ts";
import { readOrMakeLogKey } from "../../../apps/coordinator/src/audit/log-key.ts";
import { Sequencer } from "../../../apps/coordinator/src/audit/sequencer.ts";
import { Witnesses } from "../../../apps/coordinator/src/audit/witnesses.ts";
import type { Store, StoreChange } from "../../../apps/coordinator/src/store/port.ts";
import { openSqliteStore } from "../../../apps/coordinator/src/store/sqlite/store.ts";
import { ownTls } from "../../../apps/coordinator/src/tls/certificate.ts";
import { HELP, readOptions } from "./options.ts";

const MOULT = join(import.meta.dirname, "../../../apps/cli/src/main.ts");
const NETWORK = "bench";
/** As many as the coordinator commits at a time. */
const BATCH = 500;
const POOLS = 7;
const PROOFS = 1_000;

/** A permit, as most leaves are; its nodes and pools differ. */
function change(n: number): StoreChange {
  const poolId = `pool-${n % POOLS}`;
  const permit = {
    permitId: randomUUID(),
    nodeId: `node-${n % 100_000}`,
    poolId,
    fromDigest: "ab".repeat(32),
    toDigest: "cd".repeat(32),
    version: "2.0.0",
    phase: "DRAINING" as const,
    grantedAtMs: n,
    expiresAtMs: n + 1,
  };
  return { kind: "permit-ended", permit, end: "COMMITTED" };
}

/** What the command says. */
interface Verified {
  readonly leaves: number;
  readonly elapsedMs: number;
  readonly entryBytes: number;
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const begun = performance.now();
  const done = await work();
  return [done, (performance.now() - begun) / 1000];
}

async function append(store: Store, leaves: number): Promise<void> {
  for (let n = 0; n < leaves; n += BATCH) {
    const changes = Array.from({ length: Math.min(BATCH, leaves - n) }, (_, k) => change(n + k));
    await store.commit({ changes, atMs: n });
  }
}

async function placeAll(sequencer: Sequencer): Promise<void> {
  while (await sequencer.round());
}

async function proofs(store: Store, sequencer: Sequencer): Promise<readonly number[]> {
  const { size = 0, root = new Uint8Array() } = sequencer.published ?? {};
  const tookMs: number[] = [];
  for (let n = 0; n < PROOFS; n += 1) {
    const index = Math.floor((n / PROOFS) * size);
    const begun = performance.now();
    const [entry = new Uint8Array()] = await store.tree.entries(index, 1);
    const proof = await hashRuns(store.tree, inclusionPlan(index, size), size);
    if (!verifyInclusion({ index, size, leafHash: leafHash(entry), root }, proof))
      throw new Error(`no proof of ${index}`);
    tookMs.push(performance.now() - begun);
  }
  return tookMs.toSorted((a, b) => a - b);
}

/** Has the process say, as its last line, how much processor time it took: where a machine is busy, the wall tells little. */
const TELL_CPU =
  "data:text/javascript,process.on('exit',()=>process.stdout.write(JSON.stringify(process.cpuUsage())+'\\n'))";

function verify(args: readonly string[]): Promise<{ readonly told: Verified; readonly cpuS: number }> {
  return new Promise((resolve, reject) => {
    const command = ["--import", TELL_CPU, MOULT, "audit", "verify", "-o", "json", ...args];
    const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "inherit"] });
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) return reject(new Error(`moult audit verify ended with ${code}`));
      const lines = stdout.trimEnd().split("\n");
      const { user, system } = JSON.parse(lines.at(-1) ?? "") as { readonly user: number; readonly system: number };
      resolve({ told: JSON.parse(lines.slice(0, -1).join("\n")) as Verified, cpuS: (user + system) / 1_000_000 });
    });
  });
}

async function measure(leaves: number, folder: string): Promise<object> {
  const random = { bytes: (count: number) => randomBytes(count), uuid: () => randomUUID() };
  const path = join(folder, "moult.db");
  const store = openSqliteStore(path, NETWORK);
  const { tree } = store;
  const key = readOrMakeLogKey(join(folder, "audit"), "moult/bench/audit", random);
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const witnesses = new Witnesses({ witnesses: [], quorum: 0, tree, log });
  const last = lastCheckpointIn(join(folder, "audit"), key.verifier);
  const clock = { now: () => Date.now() };
  const sequencer = new Sequencer({ tree, network: NETWORK, key, last, witnesses, witnessCount: 0, clock });
  const [, appendS] = await timed(() => append(store, leaves));
  const [, sequenceS] = await timed(() => placeAll(sequencer));
  const tookMs = await proofs(store, sequencer);

  mkdirSync(join(folder, "tls"));
  const tls = await ownTls(join(folder, "tls"), ["127.0.0.1"], Date.now());
  const parts = { tree, published: () => sequencer.published };
  const server = createServer({ cert: tls.certificate, key: tls.key }, (request, response) => {
    serveAudit(parts, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/audit`;
  const args = ["--log", url, "--key", join(folder, "audit", "log.vkey"), "--ca", join(folder, "tls", "ca.pem")];
  try {
    const [{ told, cpuS }, verifyProcessS] = await timed(() => verify(args));
    if (told.leaves !== leaves) throw new Error(`${told.leaves} leaves were verified, not ${leaves}`);
    return {
      leaves,
      appendS,
      sequenceS,
      verifyS: told.elapsedMs / 1000,
      verifyProcessS,
      verifyCpuS: cpuS,
      inclusionProofMs: tookMs[Math.floor(tookMs.length / 2)],
      inclusionProofMsP99: tookMs[Math.floor(tookMs.length * 0.99)],
      inclusionProofMsMax: tookMs.at(-1),
      entryBytes: told.entryBytes,
      storeBytes: statSync(path).size,
    };
  } finally {
    server.closeAllConnections();
    server.close();
    await store.close();
  }
}

async function main(): Promise<void> {
  const { leaves, json, help } = readOptions(process.argv.slice(2));
  if (help) return void process.stdout.write(HELP);
  const folder = mkdtempSync(join(tmpdir(), "moult-bench-audit-"));
  try {
    const measured = await measure(leaves, folder);
    const text = Object.entries(measured).map(([name, value]) => `${name}  ${value}`);
    process.stdout.write(json ? `${JSON.stringify(measured)}\n` : `${text.join("\n")}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
});
