/** Material for tests: keys from fixed seeds, a manifest that is right, and ways to spoil it. Only tests import this. */
import { type BuildManifest, MANIFEST_SCHEMA } from "./build-manifest.ts";
import { digestOf } from "./digest.ts";
import { type KeyPair, generateKey } from "./keys.ts";

/** The key pair of test member `n`, 0 to 255. */
export function memberKey(n: number): KeyPair {
  return generateKey(new Uint8Array(32).fill(n + 1));
}

/** A manifest that breaks no rule. */
export const GOOD_MANIFEST: BuildManifest = {
  schema: MANIFEST_SCHEMA,
  network: "demo",
  version: "2.0.0",
  release_counter: 2,
  platform: { os: "linux", arch: "x64" },
  from_versions: ["1.0.0"],
  runtime: "runtime/node",
  agent: "agent/agent.mjs",
  workload: {
    kind: "work-service",
    command: ["{slot}/runtime/node", "{slot}/workload/server.mjs"],
    health_timeout_ms: 10_000,
    soak_ms: 1000,
  },
  parts: [
    { path: "runtime/node", digest: digestOf(Buffer.from("node")), length_bytes: 4, executable: true },
    { path: "agent/agent.mjs", digest: digestOf(Buffer.from("agent")), length_bytes: 5, executable: false },
    { path: "workload/server.mjs", digest: digestOf(Buffer.from("server")), length_bytes: 6, executable: false },
  ],
};

/** A document's bytes. */
export function jsonBytes(document: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document, undefined, 2));
}
