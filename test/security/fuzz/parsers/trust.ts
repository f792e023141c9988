/** Parsers of keys, signatures, manifests, statements and metadata. */
import { generateKeyPairSync } from "node:crypto";
import { writeBrakeStatement } from "../../../../packages/contracts/src/statements.ts";
import { formatEnvelope, parseEnvelope } from "../../../../packages/trust/src/dsse.ts";
import { verifyStrict } from "../../../../packages/trust/src/ed25519.ts";
import { fromBase64, fromHex } from "../../../../packages/trust/src/encoding.ts";
import { KeyError, ManifestError, TrustError } from "../../../../packages/trust/src/errors.ts";
import { readKeyFile, writeKeyFile } from "../../../../packages/trust/src/key-file.ts";
import { generateKey, keyId, parsePublicKey } from "../../../../packages/trust/src/keys.ts";
import { parseManifest } from "../../../../packages/trust/src/manifest.ts";
import { sign } from "../../../../packages/trust/src/ed25519.ts";
import { parseStatement } from "../../../../packages/trust/src/statement/envelope.ts";
import { StatementError } from "../../../../packages/trust/src/statement/errors.ts";
import { verifyStatement } from "../../../../packages/trust/src/statement/statement.ts";
import { TestNetwork, publicHex } from "../../../../packages/trust/src/testing/network.ts";
import { readTimeFloor } from "../../../../packages/trust/src/time-floor/time-floor.ts";
import {
  keptRoot,
  keptTimestampVersion,
  recallNetwork,
} from "../../../../packages/trust/src/tuf/client/kept-network.ts";
import { TufError } from "../../../../packages/trust/src/tuf/errors.ts";
import { readAllowlist } from "../../../../packages/trust/src/tuf/form/allowlist.ts";
import { readNetworkSnapshot, readNetworkTimestamp } from "../../../../packages/trust/src/tuf/form/freshness.ts";
import { JSON_BOUNDS } from "../../../../packages/trust/src/tuf/form/limits.ts";
import { readNetworkRoot } from "../../../../packages/trust/src/tuf/form/network-root.ts";
import { JsonError, parseStrictJson } from "../../../../packages/trust/src/tuf/form/strict-json.ts";
import { readFile } from "../../../../packages/trust/src/tuf/repository/file.ts";
import {
  readBrakeStatement,
  readOverrideStatement,
  writeOverrideStatement,
} from "../../../../packages/contracts/src/statements.ts";
import { StatementPayloadError } from "../../../../packages/contracts/src/statements.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 21);

/** A manifest with everything a manifest may have. */
export function sampleManifest(): Uint8Array {
  const digest = "ab".repeat(32);
  return bytesOf(
    JSON.stringify({
      schema: "moult/build/v1",
      network: "demo",
      version: "2.0.0",
      release_counter: 2,
      platform: { os: "linux", arch: "arm64" },
      from_versions: ["1.0.0", "1.1.0"],
      runtime: "runtime/node",
      agent: "agent/agent.mjs",
      workload: { kind: "work-service", command: ["{slot}/work", "--x"], health_timeout_ms: 5000, soak_ms: 10 },
      parts: ["runtime/node", "agent/agent.mjs", "work"].map((path) => ({
        path,
        digest,
        length_bytes: 12,
        executable: true,
      })),
    }),
  );
}

/** The manifest in its envelope, with a signature that nobody counts. */
function sampleEnvelope(): Uint8Array {
  const { privateKey, publicKey } = generateKey(new Uint8Array(32).fill(1));
  const unverifiedPayload = sampleManifest();
  const signature = sign(unverifiedPayload, privateKey);
  return formatEnvelope({ unverifiedPayload, signatures: [{ keyId: keyId(publicKey), signature }] });
}

interface Samples {
  readonly network: TestNetwork;
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly brakePayload: Uint8Array;
  readonly overridePayload: Uint8Array;
  readonly brake: Uint8Array;
}

let made: Samples | undefined;

function samples(): Samples {
  if (made !== undefined) return made;
  const network = new TestNetwork({
    nowMs: () => NOW_MS,
    serverKeys: { active: ["11".repeat(32)], backup: ["22".repeat(32)] },
  });
  network.allow(
    network.entry(sampleManifest(), {
      cohort: { seed: "cd".repeat(32), steps: [{ notBeforeMs: NOW_MS, sharePpm: 10_000 }] },
    }),
  );
  const facts = { network: network.network, issuedMs: NOW_MS, expiresMs: NOW_MS + HOUR_MS };
  const brakePayload = writeBrakeStatement({ ...facts, body: { reason: "smoke" } });
  const overridePayload = writeOverrideStatement({
    ...facts,
    body: { pool: "home", nodes: ["n1", "n2"], reason: "drill", deficitMaxRps: 1.5, allowShardAndDomain: true },
  });
  const file = (name: string): Uint8Array => network.files.get(name) ?? new Uint8Array();
  const files = {
    root: file("1.root.json"),
    targets: file("targets.json"),
    snapshot: file("snapshot.json"),
    timestamp: file("timestamp.json"),
  };
  made = { network, files, brakePayload, overridePayload, brake: network.brake(brakePayload) };
  return made;
}

const file = (name: "root" | "targets" | "snapshot" | "timestamp") => (): readonly Uint8Array[] => {
  const { files } = samples();
  return [files[name] ?? new Uint8Array(), ...Object.values(files)];
};

const json = (read: (value: unknown) => unknown) => (bytes: Uint8Array) => {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return read(value);
};

const TRUST = "packages/trust/src";
const tuf = oneOf(TufError);

export const TRUST_PARSERS: readonly Parser[] = [
  {
    name: "a DSSE envelope of a manifest",
    covers: [`${TRUST}/dsse.ts#parseEnvelope`],
    samples: () => [sampleEnvelope()],
    parse: parseEnvelope,
    refuses: oneOf(TrustError),
  },
  {
    name: "a manifest",
    covers: [
      `${TRUST}/manifest.ts#parseManifest`,
      `${TRUST}/manifest-workload.ts#readWorkload`,
      `${TRUST}/manifest-parts.ts#readParts`,
      `${TRUST}/manifest-fields.ts#readPattern`,
      `${TRUST}/manifest-fields.ts#readInteger`,
      `${TRUST}/manifest-fields.ts#readList`,
      `${TRUST}/manifest-fields.ts#readPath`,
    ],
    samples: () => [sampleManifest()],
    parse: parseManifest,
    refuses: oneOf(ManifestError, TrustError),
  },
  {
    name: "a key file",
    covers: [`${TRUST}/key-file.ts#readKeyFile`],
    samples: () => [
      bytesOf(writeKeyFile(generateKey(new Uint8Array(32).fill(3)).privateKey)),
      Buffer.from(generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" })),
    ],
    parse: (bytes) => readKeyFile(textOf(bytes)),
    refuses: oneOf(KeyError),
  },
  {
    name: "a public key",
    covers: [`${TRUST}/keys.ts#parsePublicKey`, `${TRUST}/encoding.ts#fromHex`],
    samples: () => [bytesOf(publicHex(generateKey(new Uint8Array(32).fill(4))))],
    parse: (bytes) => [parsePublicKey(textOf(bytes)), fromHex(textOf(bytes))],
    refuses: oneOf(KeyError),
  },
  {
    name: "base64",
    covers: [`${TRUST}/encoding.ts#fromBase64`],
    samples: () => [bytesOf(Buffer.from("some bytes of a payload").toString("base64"))],
    parse: (bytes) => fromBase64(textOf(bytes)),
  },
  {
    name: "an Ed25519 signature, a key and a message",
    covers: [],
    samples() {
      const pair = generateKey(new Uint8Array(32).fill(5));
      const message = Buffer.from("hello");
      return [Buffer.concat([sign(message, pair.privateKey), pair.publicKey, message])];
    },
    parse: (bytes) => verifyStrict(bytes.slice(0, 64), bytes.slice(96), bytes.slice(64, 96)),
    dear: true,
  },
  {
    name: "a time floor",
    covers: [`${TRUST}/time-floor/time-floor.ts#readTimeFloor`],
    samples: () => [
      bytesOf(JSON.stringify({ floorMs: 1e12, atMs: 5, bootId: "b", steppedToMs: 1e12, resetCounter: 2 })),
    ],
    parse: json(readTimeFloor),
  },
  {
    name: "strict JSON",
    covers: [`${TRUST}/tuf/form/strict-json.ts#parseStrictJson`],
    samples: () => [...Object.values(samples().files), bytesOf('{"a":[1,2,{"b":"\\u00e9"}],"c":null,"d":-1}')],
    parse: (bytes) => parseStrictJson(bytes, JSON_BOUNDS),
    refuses: oneOf(JsonError),
  },
  {
    name: "a root",
    covers: [
      `${TRUST}/tuf/repository/file.ts#readFile`,
      `${TRUST}/tuf/form/document.ts#readDocument`,
      `${TRUST}/tuf/form/root.ts#readRootForm`,
      `${TRUST}/tuf/form/network-root.ts#readNetworkRoot`,
      `${TRUST}/tuf/form/keys.ts#readKeys`,
      `${TRUST}/tuf/form/keys.ts#readRole`,
    ],
    samples: file("root"),
    parse: (bytes) => readNetworkRoot(readFile(bytes, "root")),
    refuses: tuf,
  },
  {
    name: "an allowlist",
    covers: [`${TRUST}/tuf/form/allowlist.ts#readAllowlist`, `${TRUST}/tuf/form/cohort-bound.ts#readCohort`],
    samples: file("targets"),
    parse: (bytes) => readAllowlist(readFile(bytes, "targets")),
    refuses: tuf,
  },
  {
    name: "a snapshot",
    covers: [`${TRUST}/tuf/form/freshness.ts#readNetworkSnapshot`],
    samples: file("snapshot"),
    parse: (bytes) => readNetworkSnapshot(readFile(bytes, "snapshot")),
    refuses: tuf,
  },
  {
    name: "a timestamp",
    covers: [`${TRUST}/tuf/form/freshness.ts#readNetworkTimestamp`],
    samples: file("timestamp"),
    parse: (bytes) => readNetworkTimestamp(readFile(bytes, "timestamp")),
    refuses: tuf,
  },
  {
    name: "a file of any role",
    covers: [],
    samples: file("root"),
    parse: (bytes) => readFile(bytes),
    refuses: tuf,
  },
  {
    name: "a kept root",
    covers: [],
    samples: file("root"),
    parse: (bytes) => keptRoot({ root: bytes, targets: new Map() }),
    refuses: tuf,
    dear: true,
  },
  {
    name: "a kept timestamp",
    covers: [],
    samples: file("timestamp"),
    parse: (bytes) =>
      keptTimestampVersion({ root: samples().files["root"] ?? bytes, timestamp: bytes, targets: new Map() }),
    refuses: tuf,
    dear: true,
  },
  {
    name: "a whole walk with one damaged file",
    covers: [],
    samples: file("targets"),
    parse(bytes) {
      const { root = bytes, snapshot = bytes, timestamp = bytes } = samples().files;
      return recallNetwork({ root, snapshot, timestamp, targets: new Map([["targets", bytes]]) }, NOW_MS);
    },
    refuses: tuf,
    dear: true,
  },
  {
    name: "a statement's envelope",
    covers: [`${TRUST}/statement/envelope.ts#parseStatement`],
    samples: () => [samples().brake],
    parse: parseStatement,
    refuses: oneOf(StatementError),
  },
  {
    name: "a brake, with its signature",
    covers: [],
    samples: () => [samples().brake],
    parse: (bytes) =>
      verifyStatement(bytes, {
        kind: "brake",
        network: "demo",
        keys: [publicHex(samples().network.keys.breaker)],
        threshold: 1,
        read: readBrakeStatement,
        nowMs: NOW_MS,
      }),
    refuses: oneOf(StatementError),
    dear: true,
  },
  {
    name: "a brake's payload",
    covers: ["packages/contracts/src/statements.ts#readBrakeStatement"],
    samples: () => [samples().brakePayload],
    parse: readBrakeStatement,
    refuses: oneOf(StatementPayloadError),
  },
  {
    name: "an override's payload",
    covers: ["packages/contracts/src/statements.ts#readOverrideStatement"],
    samples: () => [samples().overridePayload],
    parse: readOverrideStatement,
    refuses: oneOf(StatementPayloadError),
  },
];
