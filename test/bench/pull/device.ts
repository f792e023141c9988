/**
 * A device's pull, in a process of its own so that its memory can be told: stages the build whose folder is given from
 * the source that is given, and prints what that took as one JSON object. Argument: the JSON of `DeviceTask`.
 */
import { readFileSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Disk, type OpenFile, SlotStore } from "@moult/slots";
import { digestOf, parseManifest } from "@moult/trust";
import { monotonicClock, systemChance } from "../../../apps/agent/src/adapters/clock.ts";
import { createHttpsFetcher } from "../../../apps/agent/src/adapters/https-fetcher.ts";
import { nodeDisk } from "../../../apps/agent/src/adapters/node-disk.ts";
import { trustPeers } from "../../../apps/agent/src/adapters/tls/peer-trust.ts";
import type { Fetcher } from "../../../apps/agent/src/pull/source.ts";
import { stageBuild } from "../../../apps/agent/src/pull/stage.ts";

/** What is to be done. */
export interface DeviceTask {
  readonly root: string;
  readonly source: string;
  readonly caFile: string;
  /** The build's `manifest.json`. */
  readonly manifestFile: string;
  readonly network: string;
  /** Bytes a second; 0 for no limit. */
  readonly rateMaxBytesPerS: number;
}

/** What it took. */
export interface DeviceResult {
  /** Bytes of bodies, the signed manifest's among them. */
  readonly bodyBytes: number;
  /** Bytes written to files of each part's digest. */
  readonly writtenBytes: Readonly<Record<string, number>>;
  /** Resident memory before, and its peak. */
  readonly baseRssBytes: number;
  readonly peakRssBytes: number;
  readonly pullMs: number;
  readonly cpuMs: number;
  /** Most bytes taken in within any second, as a share of the rate. */
  readonly busiestSecondRatio: number;
  /** Digest by path of the parts in the staged slot, with the inode of each. */
  readonly parts: Readonly<Record<string, { readonly digest: string; readonly inode: number }>>;
}

const PULL_MS_MAX = 600_000;
const quiet = (): void => {};
const task = JSON.parse(process.argv[2] ?? "") as DeviceTask;
const writtenBytes: Record<string, number> = {};
const arrivals: { readonly atMs: number; readonly bytes: number }[] = [];

/** The real disk, with a count of what is written to parts. */
const disk: Disk = {
  ...nodeDisk,
  create: async (path, mode) => counted(path, await nodeDisk.create(path, mode)),
  resume: async (path) => counted(path, await nodeDisk.resume(path)),
};

function counted(path: string, file: OpenFile): OpenFile {
  const digest = /([0-9a-f]{64})$/.exec(path)?.[1];
  if (digest === undefined) return file;
  return {
    ...file,
    async write(bytes) {
      writtenBytes[digest] = (writtenBytes[digest] ?? 0) + bytes.length;
      await file.write(bytes);
    },
  };
}

const real = createHttpsFetcher(trustPeers(readFileSync(task.caFile, "utf8"), () => Date.now()));
const fetcher: Fetcher = {
  async get(url, offsetBytes, signal) {
    const answer = await real.get(url, offsetBytes, signal);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of answer.pieces) {
        arrivals.push({ atMs: performance.now(), bytes: piece.length });
        yield piece;
      }
    };
    return { ...answer, pieces: pieces() };
  },
};

await mkdir(task.root, { recursive: true });
const store = new SlotStore(disk, task.root, systemChance.freshId);
await store.prepare();
const manifestBytes = readFileSync(task.manifestFile);
const manifest = parseManifest(manifestBytes);
// What starting took is let go of first.
await delay(500);
const baseRssBytes = process.memoryUsage().rss;
let peakRssBytes = baseRssBytes;
const sampler = setInterval(() => (peakRssBytes = Math.max(peakRssBytes, process.memoryUsage().rss)), 5);
const cpu = process.cpuUsage();
const platform = { os: process.platform, arch: process.arch };
const staged = await stageBuild(
  {
    digest: digestOf(manifestBytes),
    version: manifest.version,
    releaseCounter: manifest.release_counter,
    manifestBytes: manifestBytes.length,
    sources: [task.source],
  },
  {
    store,
    freeBytes: () => disk.freeBytes(task.root),
    device: { network: task.network, platform },
    // What is measured is the pull: the list is one that names this build.
    judge: (digest) => ({
      allowed: {
        digest,
        lengthBytes: manifestBytes.length,
        platform,
        version: manifest.version,
        releaseCounter: manifest.release_counter,
        fromVersions: [],
        flags: new Map(),
      },
    }),
    running: {
      slot: "b",
      digest: "0".repeat(64),
      version: "0.0.0",
      releaseCounter: 0,
      workIdentity: "none",
      healthTimeoutMs: 1,
      soakMs: 0,
    },
    tools: {
      fetcher,
      clock: monotonicClock,
      chance: systemChance,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
      limits: {
        stallTimeoutMs: 20_000,
        rateMinBytesPerS: 0,
        rateMaxBytesPerS: task.rateMaxBytesPerS,
        timeoutMs: PULL_MS_MAX,
        rounds: 2,
        diskReserveBytes: 0,
      },
      signal: AbortSignal.timeout(PULL_MS_MAX),
    },
  },
);
clearInterval(sampler);
const { user, system } = process.cpuUsage(cpu);
const peak = Math.max(peakRssBytes, highWaterBytes());
const contents = await store.contents(staged.slot, "digests");
if (contents?.digest !== staged.digest) throw new Error("the slot is not whole");

const result: DeviceResult = {
  bodyBytes: arrivals.reduce((sum, { bytes }) => sum + bytes, 0),
  writtenBytes,
  baseRssBytes,
  peakRssBytes: peak,
  pullMs: staged.pullMs,
  cpuMs: Math.round((user + system) / 1000),
  busiestSecondRatio: task.rateMaxBytesPerS === 0 ? 0 : busiestSecondBytes() / task.rateMaxBytesPerS,
  parts: Object.fromEntries(
    contents.parts.map(({ path, digest }) => [
      path,
      { digest, inode: statSync(`${store.layout.slot(staged.slot)}/${path}`).ino },
    ]),
  ),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);

/**
 * The kernel's own high-water mark, which sees what falls between two samples; 0 where there is none. Not `maxRSS`, which
 * a process takes over from the one that started it.
 */
function highWaterBytes(): number {
  if (process.platform !== "linux") return 0;
  return Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? 0) * 1024;
}

function busiestSecondBytes(): number {
  let [most, sum, first] = [0, 0, 0];
  for (const { atMs, bytes } of arrivals) {
    sum += bytes;
    for (; atMs - (arrivals[first]?.atMs ?? atMs) > 1_000; first += 1) sum -= arrivals[first]?.bytes ?? 0;
    most = Math.max(most, sum);
  }
  return most;
}
