/**
 * A store as a coordinator would have left it: enrolled nodes in two pools, one approved release that everybody may have.
 * `tight` cannot spare anybody, so that gate 3 is asked each time and refuses; `wide` can spare everybody.
 */
import { createHash, randomUUID } from "node:crypto";
import { type NodeIdentity, type NodeRecord, type Release, hostNumbers } from "@moult/policy";
import { TestNetwork } from "@moult/trust/testing";
import type { Store, StoreChange } from "../../../apps/coordinator/src/store/port.ts";
import { nodeChange } from "../../../apps/coordinator/src/store/rows.ts";
import type { Builds } from "./frames.ts";

/** The network of the bench. */
export const NETWORK = "bench";

/** Nodes of `wide` that bring its capacity. */
export const COMPANY = 4;

/** Nodes a commit while the store is filled. */
const CHUNK = 5_000;

/** What runs, and what may be moved to. */
export const BUILDS: Builds = { running: sha256("1.0.0"), staged: sha256("2.0.0") };

const RELEASE: Release = {
  version: "2.0.0",
  releaseCounter: 2,
  builds: [
    {
      digest: BUILDS.staged,
      platform: { os: "linux", arch: "x64" },
      manifestBytes: 1000,
      fromVersions: [],
      parts: [],
      listed: true,
    },
  ],
  recalled: false,
  createdAtMs: 0,
  seed: sha256("seed"),
};

/** The keys' owners of the bench. Their list names the release's build. */
export const TRUST: TestNetwork = new TestNetwork({ network: NETWORK });

function metadata(): readonly StoreChange[] {
  const [targets, snapshot, timestamp] = TRUST.allow({
    digest: BUILDS.staged,
    lengthBytes: 1000,
    platform: { os: "linux", arch: "x64" },
    version: RELEASE.version,
    releaseCounter: RELEASE.releaseCounter,
    fromVersions: [],
    flags: new Map(),
  });
  const files = { root: TRUST.flashedRoot, targets, snapshot, timestamp };
  return (["root", "targets", "snapshot", "timestamp"] as const).flatMap((role): StoreChange[] => {
    const bytes = files[role];
    return bytes === undefined ? [] : [{ kind: "metadata", file: { role, version: 1, bytes } }];
  });
}

/** Names of the nodes in a pool, `count` of them. */
export function nodeIds(pool: "tight" | "wide" | "company", count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${pool}-${n}`);
}

/** A node as its last ask left it, with every fact that an agent tells. */
function asked(identity: NodeIdentity, n: number, atMs: number): NodeRecord {
  return {
    identity,
    running: {
      version: "1.0.0",
      digest: BUILDS.running,
      releaseCounter: 1,
      platform: { os: "linux", arch: "x64" },
    },
    situation: {
      capacityRps: 10,
      loadRps: (n % 40) / 10,
      inFlight: n % 3,
      shards: [],
      workState: "SERVING",
      interruptible: true,
      endpoint: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}:8080`,
      host: hostNumbers({
        cpuCount: 4,
        cpuBusyRatio: (n % 97) / 97,
        cpuPressureRatio: (n % 13) / 130,
        memoryTotalBytes: 4_127_195_136,
        memoryAvailableBytes: 2_000_000_000 + n * 512,
        diskFreeBytes: 20_000_000_000 + n * 4_096,
        networkRxBytesPerS: 1_000 + n,
        networkTxBytesPerS: 2_000 + n,
        uptimeMs: 100_000_000 + n,
      }),
      osRelease: "6.12.30-arm64",
    },
    bootId: randomUUID(),
    sequence: 1 + (n % 1_000),
    orderedSequence: 1 + (n % 1_000),
    formerBootIds: [],
    bootHeardAtMs: atMs,
    rival: undefined,
    quarantine: undefined,
    lost: false,
    lastVerdict: { decision: "STAY", gate: "ALLOWLIST", reason: "UP_TO_DATE", atMs: atMs + (n % 900_000) },
    lastOutcome: undefined,
    lastOutcomeKey: "",
    deniedDigests: [],
  };
}

/** Fills an empty store with `nodes` nodes, of which `wide` can be spared. Each has asked once. */
export async function fill(store: Store, nodes: number, wide: number): Promise<void> {
  const atMs = Date.now();
  const enrolled = (nodeId: string, poolId: string): StoreChange => {
    const identity: NodeIdentity = {
      nodeId,
      poolId,
      publicKey: sha256(nodeId),
      model: "bench",
      labels: { region: "eu" },
      domains: ["isp/bench"],
      enrolledAtMs: atMs,
    };
    return { kind: "enrolled", identity };
  };
  const all = [
    ...nodeIds("company", COMPANY).map((id) => enrolled(id, "wide")),
    ...nodeIds("wide", wide).map((id) => enrolled(id, "wide")),
    ...nodeIds("tight", nodes - wide - COMPANY).map((id) => enrolled(id, "tight")),
  ];
  for (let from = 0; from < all.length; from += CHUNK) {
    const chunk = all.slice(from, from + CHUNK);
    await store.commit({ changes: chunk, atMs });
    const said = chunk.flatMap((change, n): StoreChange[] =>
      change.kind === "enrolled" ? [nodeChange({ ...change.identity, ...asked(change.identity, from + n, atMs) })] : [],
    );
    await store.commit({ changes: said, atMs });
  }
  await store.commit({
    changes: [
      ...metadata(),
      { kind: "release", release: RELEASE },
      {
        kind: "dial",
        dial: { version: RELEASE.version, setting: { kind: "everyone" }, updatedAtMs: atMs },
        was: "nobody",
      },
    ],
    atMs,
  });
}

function sha256(word: string): string {
  return createHash("sha256").update(word).digest("hex");
}
