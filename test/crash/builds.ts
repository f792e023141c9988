/** The builds of the crash tests: real manifests over parts of a few hundred bytes, the same in each run, and their list. */
import { createHash } from "node:crypto";
import { type BuildManifest, MANIFEST_SCHEMA, digestOf, formatEnvelope } from "@moult/trust";
import { TestNetwork } from "@moult/trust/testing";
import type { OfferedBuild } from "@moult/agent/inside";

/** How a build behaves once it is started. */
export type Behaviour =
  | "good"
  /** Its workload says that it cannot work. */
  | "ill"
  /** Its workload never serves. */
  | "mute"
  /** Its agent ends at once. */
  | "crashes";

/** A build, its bytes, and what will come of it. */
export interface CrashBuild {
  readonly manifest: BuildManifest;
  readonly bytes: Uint8Array;
  readonly envelope: Uint8Array;
  readonly digest: string;
  /** By digest. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
  readonly behaviour: Behaviour;
}

/** The network of all builds here. */
export const NETWORK = "crash-test";

/** What differs between builds; parts with equal texts are the same part. */
interface Wishes {
  readonly version: string;
  readonly counter: number;
  readonly agent: string;
  readonly work: string;
  readonly behaviour?: Behaviour;
}

function build({ version, counter, agent, work, behaviour = "good" }: Wishes): CrashBuild {
  const parts = new Map<string, Uint8Array>();
  const entry = (path: string, bytes: Uint8Array, executable: boolean): BuildManifest["parts"][number] => {
    const digest = digestOf(bytes);
    parts.set(digest, bytes);
    return { path, digest, length_bytes: bytes.length, executable };
  };
  const tool = bytesOf(`tool for ${work}`, 90);
  const manifest: BuildManifest = {
    schema: MANIFEST_SCHEMA,
    network: NETWORK,
    version,
    release_counter: counter,
    platform: { os: process.platform, arch: process.arch },
    from_versions: [],
    runtime: "runtime/node",
    agent: "agent/agent.mjs",
    workload: { kind: "work-service", command: ["{slot}/work/serve"], health_timeout_ms: 20_000, soak_ms: 1_000 },
    parts: [
      entry("runtime/node", bytesOf("runtime", 700), true),
      entry("agent/agent.mjs", bytesOf(agent, 300), false),
      entry("work/serve", bytesOf(work, 200), true),
      // One part under two names, executable under one of them: it becomes executable after it came in.
      entry("work/data/tool", tool, false),
      entry("work/tool", tool, true),
    ],
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const envelope = formatEnvelope({ unverifiedPayload: bytes, signatures: [] });
  return { manifest, bytes, envelope, digest: digestOf(bytes), parts, behaviour };
}

/** Bytes that look like nothing in particular, the same for the same text. */
function bytesOf(text: string, length: number): Uint8Array {
  return new Uint8Array(createHash("shake256", { outputLength: length }).update(text).digest());
}

/** What is flashed. */
export const FACTORY: CrashBuild = build({ version: "1.0.0", counter: 1, agent: "agent 1", work: "work 1" });
/** Another agent, the same workload: the workload goes on through the swap. */
export const AGENT_ONLY: CrashBuild = build({ version: "2.0.0", counter: 2, agent: "agent 2", work: "work 1" });
/** Another agent and another workload. */
export const NEW_WORK: CrashBuild = build({ version: "3.0.0", counter: 3, agent: "agent 3", work: "work 3" });
/** Reverted because of what its workload says. */
export const ILL: CrashBuild = build({
  version: "2.1.0",
  counter: 4,
  agent: "agent 4",
  work: "work 4",
  behaviour: "ill",
});
/** Reverted because time is over. */
export const MUTE: CrashBuild = build({
  version: "2.2.0",
  counter: 5,
  agent: "agent 5",
  work: "work 5",
  behaviour: "mute",
});
/** Abandoned by the launcher. */
export const CRASHES: CrashBuild = build({
  version: "2.3.0",
  counter: 6,
  agent: "agent 6",
  work: "work 1",
  behaviour: "crashes",
});
/** What every device is to reach in the end, whatever happened to it. */
export const LAST: CrashBuild = build({ version: "9.0.0", counter: 9, agent: "agent 9", work: "work 9" });

/** All of them. */
export const BUILDS: readonly CrashBuild[] = [FACTORY, AGENT_ONLY, NEW_WORK, ILL, MUTE, CRASHES, LAST];

/** What the council's list names, as the checker works it out by itself. */
export const APPROVED: ReadonlySet<string> = new Set(
  BUILDS.map(({ bytes }) => createHash("sha256").update(bytes).digest("hex")),
);

/** Its keys are made anew in each run; lengths of its files, and so what is written where, are the same. Time stands still. */
export const TRUST: TestNetwork = new TestNetwork({ network: NETWORK, nowMs: () => 0 });
TRUST.allow(...BUILDS.map(({ bytes }) => TRUST.entry(bytes)));

/** The build with this digest. */
export function buildOf(digest: string): CrashBuild | undefined {
  return BUILDS.find((known) => known.digest === digest);
}

/** Mirrors: the first one lies about every agent. */
export const SOURCES: readonly string[] = ["https://liar.example", "https://mirror.example"];

/** The build as a coordinator offers it. */
export function offerOf({ digest, manifest, bytes }: CrashBuild): OfferedBuild {
  const { version, release_counter: releaseCounter } = manifest;
  return { digest, version, releaseCounter, manifestBytes: bytes.length, sources: SOURCES };
}
