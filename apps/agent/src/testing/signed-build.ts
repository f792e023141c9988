/** Signed builds for tests: real manifests, real signatures, tiny parts. */
import {
  type BuildManifest,
  type Council,
  type KeyPair,
  digestOf,
  formatPublicKey,
  generateKey,
  signManifest,
} from "@moult/trust";
import type { OfferedBuild } from "../update/state.ts";

/** A council of three, of whom two are a quorum, with its keys. */
export interface TestCouncil extends Council {
  readonly pairs: readonly KeyPair[];
}

/** A build and all its bytes. */
export interface SignedBuild {
  readonly manifest: BuildManifest;
  readonly bytes: Uint8Array;
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
  /** How many members sign. */
  readonly signers?: number;
}

export function makeCouncil(): TestCouncil {
  const pairs = [generateKey(), generateKey(), generateKey()];
  return { threshold: 2, keys: pairs.map(({ publicKey }) => formatPublicKey(publicKey)), pairs };
}

/** A build for this machine, release counter 2. */
export function makeSignedBuild(council: TestCouncil, wishes: BuildWishes = {}): SignedBuild {
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
  let envelope: Uint8Array = bytes;
  for (const { privateKey } of council.pairs.slice(0, wishes.signers ?? 2))
    envelope = signManifest(envelope, privateKey);
  if (wishes.signers === 0) {
    const payload = Buffer.from(bytes).toString("base64");
    const unsigned = { payloadType: "application/vnd.moult.build.v1+json", payload, signatures: [] };
    envelope = new TextEncoder().encode(JSON.stringify(unsigned));
  }
  return { manifest, bytes, envelope, digest: digestOf(bytes), parts };
}

/** The build as a coordinator would offer it. */
export function offer(build: SignedBuild, sources: readonly string[]): OfferedBuild {
  const { digest, manifest, bytes } = build;
  const { version, release_counter: releaseCounter } = manifest;
  return { digest, version, releaseCounter, manifestBytes: bytes.length, sources };
}
