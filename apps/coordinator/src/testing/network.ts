/** Builds for tests, and a network's keys and metadata to approve them with. Parts are made in memory. */
import { type BuildManifest, type KeyPair, PAYLOAD_TYPE, digestOf, keyId, sign } from "@moult/trust";
import { TestNetwork } from "@moult/trust/testing";

/** The network of every test. */
export const NETWORK = "demo";

/** A network of its own, by a clock. */
export function networkAt(nowMs: () => number = Date.now): TestNetwork {
  return new TestNetwork({ network: NETWORK, nowMs });
}

/** A build: the manifest's bytes as they are listed, and the bytes of its parts by digest. */
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

/** The manifest in an envelope: without a signature, because approval is the list's; or signed as it was before 0.2. */
export function enveloped(build: TestBuild, signers: readonly KeyPair[] = []): Uint8Array {
  const type = Buffer.from(PAYLOAD_TYPE);
  const head = Buffer.from(`DSSEv1 ${type.length} ${PAYLOAD_TYPE} ${build.manifest.length} `);
  const message = Buffer.concat([head, build.manifest]);
  const signatures = signers.map(({ publicKey, privateKey }) => ({
    keyid: keyId(publicKey),
    sig: Buffer.from(sign(message, privateKey)).toString("base64"),
  }));
  const payload = Buffer.from(build.manifest).toString("base64");
  return Buffer.from(JSON.stringify({ payloadType: PAYLOAD_TYPE, payload, signatures }));
}
