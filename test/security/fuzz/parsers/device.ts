/** Parsers of a device: its disk, its configuration, and what its peers send. */
import { zstdCompressSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AskResponseSchema, Decision, PermitPhase } from "@moult/contracts/v1";
import { SituationResponseSchema, State } from "@moult/contracts/work";
import { readLife } from "../../../../apps/agent/src/adapters/agent-life.ts";
import { parseStudy } from "../../../../apps/agent/src/adapters/host/study.ts";
import { readWorkRecord } from "../../../../apps/agent/src/adapters/work/record.ts";
import { readWanted } from "../../../../apps/agent/src/adapters/work/wanted.ts";
import { MetadataFile } from "../../../../apps/agent/src/adapters/metadata-file.ts";
import { ConfigError, loadConfig } from "../../../../apps/agent/src/config/config.ts";
import { readStartNote } from "../../../../apps/agent/src/launcher/leftovers.ts";
import { readLauncherSettings } from "../../../../apps/agent/src/launcher/settings.ts";
import { decodeDurable } from "../../../../apps/agent/src/update/durable.ts";
import { fromAnswer } from "../../../../apps/agent/src/wire/verdict.ts";
import { fromSituation } from "../../../../apps/agent/src/wire/work.ts";
import { DeltaError } from "../../../../packages/delta/src/errors.ts";
import { CHUNK_BYTES, encodeHead, headLengthOf, readHead } from "../../../../packages/delta/src/format.ts";
import { unpackChunk } from "../../../../packages/delta/src/unpack.ts";
import { decodeBootRecord } from "../../../../packages/slots/src/boot-record.ts";
import type { Disk } from "../../../../packages/slots/src/disk.ts";
import { decodeContents } from "../../../../packages/slots/src/slot-contents.ts";
import { unseal } from "../../../../packages/slots/src/sealed.ts";
import { metadataSamples } from "../metadata.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";
import { sealed } from "../sealed.ts";

const DIGEST = "ab".repeat(32);
const REF = { slot: "a", digest: DIGEST };
const SLOTS = "packages/slots/src";
const AGENT = "apps/agent/src";

const BOOT_RECORD = {
  sequence: 7,
  committed: REF,
  previous: { slot: "factory", digest: DIGEST },
  trial: { slot: "b", digest: DIGEST, triesLeft: 2 },
  abandoned: { digest: DIGEST, reason: "HEALTH_CHECK", message: "no", deny: true },
};
const CONTENTS = {
  digest: DIGEST,
  runtime: "runtime/node",
  agent: "agent/agent.mjs",
  parts: ["runtime/node", "agent/agent.mjs"].map((path) => ({
    path,
    digest: DIGEST,
    lengthBytes: 9,
    executable: true,
  })),
};
const BUILD = { digest: DIGEST, version: "2.0.0", releaseCounter: 2 };
const DURABLE = {
  denied: [DIGEST],
  move: {
    permitId: "p",
    target: { ...BUILD, slot: "a" },
    from: BUILD,
    before: { shards: ["s"] },
    swapsWork: true,
    bootId: "b",
    permittedAtMs: 1,
    drainedAtMs: 2,
    timings: { pullMs: 1, drainMs: 2, swapMs: 3, trialMs: 4 },
    reachable: true,
    revert: { reason: "HEALTH_CHECK", message: "no" },
  },
  outcome: { permitId: "p", targetDigest: DIGEST, kind: "FAILED", reason: "PULL", message: "m", timings: {} },
  time: { floorMs: 1e12, atMs: 5, bootId: "b", resetCounter: 1 },
};
const WORK = { identity: "w", bootId: "b", pid: 7, startTicks: "9", stopHook: "/x" };
const WANTED = { identity: "w", argv: ["/bin/true", "x"], cwd: "/", env: { A: "1" } };
const NOTE = { bootId: "b", pid: 7, startTicks: "9", start: { startId: "s", trial: true, startedMs: 1, crashes: 0 } };
const LIFE = { startId: "s", wasUp: true, kept: false, code: 1 };

/** A disk that has one file. */
const diskWith = (bytes: Uint8Array): Disk => ({ read: async () => bytes }) as unknown as Disk;

const document = (value: unknown) => (): readonly Uint8Array[] => [bytesOf(`${JSON.stringify(value)}\n`)];
const whole = (value: unknown) => (): readonly Uint8Array[] => [sealed(bytesOf(`${JSON.stringify(value)}\n`))];

const CONFIG = `network: demo
coordinators: ["coordinator.example:7443", "[::1]:7443"]
ca_file: ca.pem
build_time: 2026-11-21T08:00:00Z
root_file: root.json
mirrors: [https://mirror.example]
enrollment_token: welcome
labels: { region: eu, model: m1 }
domains: [isp/example]
workload:
  runner: child
  env: { A: "1" }
wake_interval_ms: 900000
permission_model: true
log_level: info
`;

const VERDICT = create(AskResponseSchema, {
  verdict: {
    decision: Decision.GO,
    askId: "a",
    message: "go",
    brakes: [new Uint8Array(40).fill(7), new Uint8Array()],
    timestampVersion: 7n,
    target: {
      release: "releases/2.0.0",
      digest: DIGEST,
      manifestBytes: 700,
      platform: { os: "linux", arch: "arm64" },
      version: "2.0.0",
      releaseCounter: 2n,
      sources: ["https://a.example"],
    },
    permit: { permitId: "p", phase: PermitPhase.DRAINING, expiresInMs: 1000, drainGraceMs: 10 },
  },
});

const SITUATION = create(SituationResponseSchema, {
  capacityRps: 10,
  loadRps: 1,
  state: State.SERVING,
  shards: ["s1", "s2"],
  endpoint: "127.0.0.1:80",
  inFlight: 2,
});

/** What decodes a message may throw whatever the library throws: both ends of the wire turn it into a failed call. */
const decoded = <T>(decode: () => T, read: (message: T) => unknown): unknown => {
  let message: T;
  try {
    message = decode();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
  return read(message);
};

const CHUNK_TEXT = Buffer.from("the same again and again ".repeat(90));
const CHUNK = {
  newOffset: 0,
  newLength: CHUNK_TEXT.length,
  oldOffset: 0,
  oldLength: 0,
  packedOffset: 0,
  packedLength: 100,
};

function head(lengthBytes: number): Uint8Array {
  const count = Math.ceil(lengthBytes / CHUNK_BYTES);
  const chunks = Array.from({ length: count }, () => ({ oldOffset: 1, oldLength: 20, packedLength: 100 }));
  return encodeHead({ old: { digest: DIGEST, lengthBytes: 5_000 }, digest: "cd".repeat(32), lengthBytes, chunks });
}

/** A document behind a seal, once with the seal broken by every damage, and once sealed again after it. */
function sealedParsers(
  name: string,
  covers: readonly string[],
  value: unknown,
  parse: Parser["parse"],
): readonly Parser[] {
  return [
    { name, covers, samples: whole(value), parse },
    { name: `${name}, sealed again`, covers: [], samples: document(value), parse: (bytes) => parse(sealed(bytes)) },
  ];
}

export const DEVICE_PARSERS: readonly Parser[] = [
  ...sealedParsers("a boot record", [`${SLOTS}/boot-record.ts#decodeBootRecord`], BOOT_RECORD, decodeBootRecord),
  ...sealedParsers("a slot's contents", [`${SLOTS}/slot-contents.ts#decodeContents`], CONTENTS, decodeContents),
  ...sealedParsers("a device's memory", [`${AGENT}/update/durable.ts#decodeDurable`], DURABLE, decodeDurable),
  ...sealedParsers("a sealed document", [`${SLOTS}/sealed.ts#unseal`], WORK, unseal),
  ...sealedParsers("a work record", [`${AGENT}/adapters/work/record.ts#readWorkRecord`], WORK, (bytes) =>
    readWorkRecord(diskWith(bytes), "run"),
  ),
  ...sealedParsers("a wanted workload", [`${AGENT}/adapters/work/wanted.ts#readWanted`], WANTED, (bytes) =>
    readWanted(diskWith(bytes), "wanted"),
  ),
  ...sealedParsers("a note of a start", [`${AGENT}/launcher/leftovers.ts#readStartNote`], NOTE, (bytes) =>
    readStartNote(diskWith(bytes), "run", "b"),
  ),
  ...sealedParsers("how far an agent came", [`${AGENT}/adapters/agent-life.ts#readLife`], LIFE, (bytes) =>
    readLife(diskWith(bytes), "life"),
  ),
  {
    name: "device.yaml, as the agent reads it",
    covers: [`${AGENT}/config/schema.ts#readInputs`],
    samples: () => [bytesOf(CONFIG)],
    parse: (bytes) => loadConfig("/d/device.yaml", textOf(bytes), {}),
    refuses: oneOf(ConfigError),
    dear: true,
  },
  {
    name: "device.yaml, as the launcher reads it",
    covers: [`${AGENT}/launcher/settings.ts#readLauncherSettings`],
    samples: () => [bytesOf(CONFIG)],
    parse: (bytes) => readLauncherSettings("/d/device.yaml", textOf(bytes), {}),
    dear: true,
  },
  {
    name: "a study of the host",
    covers: [`${AGENT}/adapters/host/study.ts#parseStudy`],
    samples: document({ osRelease: "Debian", cpuBusyRatio: 0.5, memoryTotalBytes: 9, memoryAvailableBytes: 1 }),
    parse: (bytes) => parseStudy(textOf(bytes)),
    // The caller catches whatever a study fails with.
    refuses: oneOf(SyntaxError),
  },
  {
    name: "a verdict",
    covers: ["fromVerdict", "fromAnswer", "fromBrakes"].map((name) => `${AGENT}/wire/verdict.ts#${name}`),
    samples: () => [toBinary(AskResponseSchema, VERDICT)],
    parse: (bytes) =>
      decoded(
        () => fromBinary(AskResponseSchema, bytes),
        ({ verdict }) => fromAnswer(verdict),
      ),
  },
  {
    name: "what a device kept of metadata",
    covers: [],
    samples() {
      const { files, brake } = metadataSamples();
      const texts = Object.entries(files).map(([name, file]) => [name, Buffer.from(file).toString("base64")]);
      const brakes = [Buffer.from(brake).toString("base64")];
      return [sealed(bytesOf(`${JSON.stringify({ ...Object.fromEntries(texts), brakes })}\n`))];
    },
    parse: (bytes) => new MetadataFile(diskWith(bytes), "/trust/metadata.json").read(),
  },
  {
    name: "a workload's situation",
    covers: [`${AGENT}/wire/work.ts#fromSituation`],
    samples: () => [toBinary(SituationResponseSchema, SITUATION)],
    parse: (bytes) => decoded(() => fromBinary(SituationResponseSchema, bytes), fromSituation),
  },
  {
    name: "a delta's head",
    covers: ["packages/delta/src/format.ts#readHead"],
    samples: () => [head(5_000), head(3 * CHUNK_BYTES)],
    parse: (bytes) => [headLengthOf(bytes), readHead(bytes)],
    refuses: oneOf(DeltaError),
  },
  {
    name: "a delta's chunk",
    covers: ["packages/delta/src/unpack.ts#unpackChunk"],
    samples: () => [zstdCompressSync(CHUNK_TEXT), zstdCompressSync(Buffer.alloc(1_000_000))],
    parse: (bytes) => unpackChunk(CHUNK, bytes, new Uint8Array()),
    refuses: oneOf(DeltaError),
    dear: true,
  },
];
