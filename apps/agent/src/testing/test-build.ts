/** Builds for tests: real manifests, tiny parts. What approves them is a TestNetwork's list. */
import { type BuildManifest, digestOf, formatEnvelope } from "@moult/trust";
import { TestNetwork } from "@moult/trust/testing";
import type { AllowedBuild, CouncilWord } from "@moult/trust/tuf";
import type { OfferedBuild } from "../update/state.ts";

/** A build and all its bytes. */
export interface TestBuild {
  readonly manifest: BuildManifest;
  readonly bytes: Uint8Array;
  /** Around the manifest, as sources give it; signed by nobody. */
  readonly envelope: Uint8Array;
  readonly digest: string;
  /** By digest. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** What a test wants to be different. */
export interface BuildWishes {
  readonly manifest?: Partial<BuildManifest>;
  /** Content by path; `!` in front of a path makes it executable. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** The network that builds are for by default, with all its keys. */
export function makeNetwork(nowMs?: () => number): TestNetwork {
  return new TestNetwork({ network: "test", ...(nowMs && { nowMs }) });
}

/** A build for this machine, release counter 2. */
export function makeTestBuild(wishes: BuildWishes = {}): TestBuild {
  const files = { "!runtime/node": "a runtime", "agent/agent.mjs": "an agent", ...wishes.files };
  const parts = new Map<string, Uint8Array>();
  const entries = Object.entries(files).map(([name, content]) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest = digestOf(bytes);
    parts.set(digest, bytes);
    return { path: name.replace("!", ""), digest, length_bytes: bytes.length, executable: name.startsWith("!") };
  });
  const manifest: BuildManifest = {
    schema: "moult/build/v1",
    network: "test",
    version: "2.0.0",
    release_counter: 2,
    platform: { os: process.platform, arch: process.arch },
    from_versions: [],
    runtime: "runtime/node",
    agent: "agent/agent.mjs",
    workload: { kind: "none", health_timeout_ms: 5_000, soak_ms: 0 },
    parts: entries,
    ...wishes.manifest,
  };
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  const envelope = formatEnvelope({ unverifiedPayload: bytes, signatures: [] });
  return { manifest, bytes, envelope, digest: digestOf(bytes), parts };
}

/** Has the council approve the builds, and the publisher publish the list. */
export function approve(network: TestNetwork, builds: readonly TestBuild[], word: CouncilWord = {}): void {
  network.allow(...builds.map((build) => entryOf(build, word)));
}

/** The build's entry for a list; also of one whose manifest has a form that is not known yet. */
export function entryOf({ digest, manifest, bytes }: TestBuild, word: CouncilWord = {}): AllowedBuild {
  return {
    digest,
    lengthBytes: bytes.length,
    platform: manifest.platform,
    version: manifest.version,
    releaseCounter: manifest.release_counter,
    fromVersions: manifest.from_versions,
    flags: new Map(),
    ...word,
  };
}

/** The build as a coordinator would offer it. */
export function offer(build: TestBuild, sources: readonly string[]): OfferedBuild {
  const { digest, manifest, bytes } = build;
  const { version, release_counter: releaseCounter } = manifest;
  return { digest, version, releaseCounter, manifestBytes: bytes.length, sources };
}
