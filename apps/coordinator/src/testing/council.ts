/** A council for tests, and builds that it signs. Keys come from fixed seeds; parts are made in memory. */
import { type BuildManifest, type Council, digestOf, formatPublicKey, generateKey, signManifest } from "@moult/trust";

/** The network of every test. */
export const NETWORK = "demo";

const members = [1, 2, 3].map((n) => generateKey(new Uint8Array(32).fill(n)));
const stranger = generateKey(new Uint8Array(32).fill(99));

/** Two of three. */
export const COUNCIL: Council = { threshold: 2, keys: members.map((key) => formatPublicKey(key.publicKey)) };

/** A build: the manifest's bytes as they are signed, and the bytes of its parts by digest. */
export interface TestBuild {
  readonly digest: string;
  readonly manifest: Uint8Array;
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

/** A build with one small part of its own; `more` takes the place of what the manifest would say. */
export function buildOf(version: string, releaseCounter: number, more: Partial<BuildManifest> = {}): TestBuild {
  const bytes = Buffer.from(`agent of ${version}`);
  const runtime = Buffer.from("runtime");
  const part = (path: string, content: Uint8Array): BuildManifest["parts"][number] => ({
    path,
    digest: digestOf(content),
    length_bytes: content.length,
    executable: true,
  });
  const document: BuildManifest = {
    schema: "moult/build/v1",
    network: NETWORK,
    version,
    release_counter: releaseCounter,
    platform: { os: "linux", arch: "x64" },
    from_versions: [],
    runtime: "runtime/node",
    agent: "agent/agent.mjs",
    workload: { kind: "none", health_timeout_ms: 1000, soak_ms: 0 },
    parts: [part("runtime/node", runtime), part("agent/agent.mjs", bytes)],
    ...more,
  };
  const manifest = Buffer.from(JSON.stringify(document));
  const parts = new Map([runtime, bytes].map((content) => [digestOf(content), content]));
  return { digest: digestOf(manifest), manifest, parts };
}

/** The envelope, signed by council members `who` (0 to 2), or by somebody else where it says so. */
export function signed(build: TestBuild, who: readonly (number | "stranger")[] = [0, 1]): Uint8Array {
  let envelope = build.manifest;
  for (const signer of who) {
    const key = signer === "stranger" ? stranger : members[signer];
    if (key === undefined) throw new Error(`no member ${signer}`);
    envelope = signManifest(envelope, key.privateKey);
  }
  return envelope;
}
