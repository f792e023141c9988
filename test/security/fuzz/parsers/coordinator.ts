/** Parsers of a coordinator: what devices and operators send it, and its own configuration. */
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { RpcError, readRpcError } from "@moult/contracts";
import {
  AskRequestSchema,
  DialSchema,
  EnrollRequestSchema,
  ErrorReason,
  OutcomeKind,
  PermitPhase,
  ReleaseSchema,
  ReportRequestSchema,
  SetDialRequestSchema,
  WorkState,
} from "@moult/contracts/v1";
import { Metadata, status } from "@grpc/grpc-js";
import { readRange } from "../../../../apps/coordinator/src/artifacts/range.ts";
import { ConfigError, readConfig } from "../../../../apps/coordinator/src/config.ts";
import { createChallenges } from "../../../../apps/coordinator/src/identity/challenge.ts";
import { provesKey } from "../../../../apps/coordinator/src/identity/device-proof.ts";
import { createSessions } from "../../../../apps/coordinator/src/identity/sessions.ts";
import { page } from "../../../../apps/coordinator/src/rpc/pages.ts";
import { readAsk } from "../../../../apps/coordinator/src/wire/ask.ts";
import { readEnrolment } from "../../../../apps/coordinator/src/wire/enrolment.ts";
import { Fields } from "../../../../apps/coordinator/src/wire/fields.ts";
import { readRelease } from "../../../../apps/coordinator/src/wire/release.ts";
import { readReport } from "../../../../apps/coordinator/src/wire/report.ts";
import { readDial } from "../../../../apps/coordinator/src/wire/rollout.ts";
import { buildOf, enveloped } from "../../../../apps/coordinator/src/testing/network.ts";
import { allowedBuildOf } from "../../../../packages/trust/src/tuf/repository/build-entry.ts";
import { parseName } from "../../../../packages/contracts/src/names.ts";
import { aside } from "../aside.ts";
import { message } from "../message.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";

const WIRE = "apps/coordinator/src/wire";
const DIGEST = "ab".repeat(32);
const rpc = oneOf(RpcError);

const SITUATION = {
  capacityRps: 10,
  loadRps: 2,
  inFlight: 3,
  shards: ["s1", "s2"],
  workState: WorkState.SERVING,
  interruptible: true,
  endpoint: "127.0.0.1:8080",
  host: { cpuBusyRatio: 0.5, memoryTotalBytes: 9n, memoryAvailableBytes: 2n, diskFreeBytes: 3n, uptimeMs: 4n },
};
const RUNNING = { runningDigest: DIGEST, runningVersion: "1.0.0", runningReleaseCounter: 1n };
const ORIGIN = { node: "nodes/n0123456789abcdef", bootId: "b", sequence: 3n };

const ASK = create(AskRequestSchema, {
  ...ORIGIN,
  ...RUNNING,
  askId: "a",
  platform: { os: "linux", arch: "arm64" },
  situation: SITUATION,
  stagedDigest: DIGEST,
  permitId: "p",
  drained: true,
  deniedDigests: [DIGEST],
  features: ["x"],
});

const reports = (): readonly Uint8Array[] =>
  [
    { case: "pulse" as const, value: { situation: SITUATION } },
    {
      case: "progress" as const,
      value: { permitId: "p", phase: PermitPhase.AWAY, situation: SITUATION, runningDigest: DIGEST },
    },
    {
      case: "outcome" as const,
      value: { ...RUNNING, permitId: "p", kind: OutcomeKind.FAILED, targetDigest: DIGEST, situation: SITUATION },
    },
  ].map((report) => toBinary(ReportRequestSchema, create(ReportRequestSchema, { ...ORIGIN, report })));

const DIAL = create(SetDialRequestSchema, {
  dial: {
    release: "releases/2.0.0",
    deadlineTime: timestampFromMs(1e12),
    setting: {
      case: "named",
      value: { nodes: ["nodes/n1"], selectors: [{ requirements: [{ key: "region", values: ["eu", "us"] }] }] },
    },
  },
});

const LISTED = buildOf("2.0.0", 2);
const LIST = new Map([[LISTED.digest, allowedBuildOf(LISTED.manifest, {})]]);

const ENROL = create(EnrollRequestSchema, {
  enrollmentToken: "welcome",
  model: "m1",
  labels: { region: "eu" },
  domains: ["isp/example"],
});

const clock = { now: (): number => 1e12 };
const random = { bytes: (count: number): Uint8Array => new Uint8Array(count).fill(7), uuid: () => "id" };
const challenges = createChallenges(clock, random);
const sessions = createSessions(new Uint8Array(32).fill(1), "demo", 60_000, clock);

const CONFIG = `network: demo
state_dir: ./state
root_file: root.json
grpc: { host: 127.0.0.1, port: 7443 }
capacity: { margin_ratio: 0.15, permit_ttl_ms: 1000 }
audit: { checkpoint_ms: 100 }
maintenance_cron: "17 4 * * *"
log_level: warn
`;

const failed = (): Uint8Array => {
  const options = { violations: [{ field: "a", description: "b" }], retryAfterMs: 1_500 };
  const error = new RpcError(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID, "no", options);
  return error.metadata.get("grpc-status-details-bin")[0] as Buffer;
};

export const COORDINATOR_PARSERS: readonly Parser[] = [
  {
    name: "an ask",
    covers: [`${WIRE}/ask.ts#readAsk`, `${WIRE}/situation.ts#readSituation`],
    samples: () => [toBinary(AskRequestSchema, ASK)],
    parse: message(AskRequestSchema, (ask) => readAsk(ask, "fresh")),
    refuses: rpc,
  },
  {
    name: "a report",
    covers: [`${WIRE}/report.ts#readReport`],
    samples: reports,
    parse: message(ReportRequestSchema, (report) => readReport(report, 7)),
    refuses: rpc,
  },
  {
    name: "an enrolment",
    covers: [`${WIRE}/enrolment.ts#readEnrolment`],
    samples: () => [toBinary(EnrollRequestSchema, ENROL)],
    parse: message(EnrollRequestSchema, readEnrolment),
    refuses: rpc,
  },
  {
    name: "a dial",
    covers: [`${WIRE}/rollout.ts#readDial`],
    samples: () => [toBinary(SetDialRequestSchema, DIAL), toBinary(DialSchema, DIAL.dial ?? create(DialSchema))],
    parse: message(SetDialRequestSchema, ({ dial }) => readDial(dial)),
    refuses: rpc,
  },
  {
    name: "a release's manifests",
    covers: [`${WIRE}/release.ts#readRelease`],
    samples: () => [enveloped(LISTED)],
    parse: (bytes) => readRelease([bytes], { network: "demo", list: LIST, seed: DIGEST, now: 7 }),
    refuses: rpc,
    dear: true,
  },
  {
    name: "a page token",
    covers: [],
    samples: () => [bytesOf(Buffer.from("k2").toString("base64url"))],
    parse: (bytes) =>
      page(
        new Fields(),
        ["k1", "k2", "k3"],
        { schema: ReleaseSchema, keyOf: (key) => key, write: () => ({}) },
        { pageSize: 2, pageToken: textOf(bytes) },
      ),
    refuses: rpc,
  },
  {
    name: "a range of bytes",
    covers: ["apps/coordinator/src/artifacts/range.ts#readRange"],
    samples: () => ["bytes=0-", "bytes=5-9", "bytes=-7", "bytes=0-1,3-4"].map(bytesOf),
    parse: (bytes) => readRange(textOf(bytes), 1_000),
  },
  {
    name: "a session's token",
    covers: [],
    samples: () => [
      bytesOf(
        [{ alg: "HS256" }, { sub: "n1", aud: "demo", exp: 2e9 }]
          .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
          .concat(Buffer.alloc(32, 3).toString("base64url"))
          .join("."),
      ),
    ],
    parse: (bytes) => sessions.check(textOf(bytes)),
    dear: true,
  },
  {
    name: "a challenge",
    covers: [],
    samples: () => [challenges.give()],
    parse: (bytes) => challenges.check(bytes),
  },
  {
    name: "a device's proof",
    covers: [],
    samples: () => [Buffer.alloc(152, 9)],
    parse: (bytes) => provesKey(bytes.subarray(0, 32), bytes.subarray(96), bytes.subarray(32, 96)),
    dear: true,
  },
  {
    name: "a resource's name",
    covers: ["packages/contracts/src/names.ts#parseName"],
    samples: () => ["nodes/n1", "releases/2.0.0+x", "pools/home"].map(bytesOf),
    parse: (bytes) => parseName("nodes", textOf(bytes)),
  },
  {
    name: "the details of a failed call",
    covers: ["packages/contracts/src/errors.ts#readRpcError"],
    samples: () => [failed()],
    parse(bytes) {
      const metadata = new Metadata();
      metadata.set("grpc-status-details-bin", Buffer.from(bytes));
      return readRpcError(Object.assign(new Error("failed"), { metadata }));
    },
  },
  {
    name: "a coordinator's configuration",
    covers: ["apps/coordinator/src/config.ts#readConfig"],
    samples: () => [bytesOf(CONFIG)],
    parse: (bytes) => readConfig(aside("coordinator.yaml", bytes), {}),
    refuses: oneOf(ConfigError),
    dear: true,
  },
];
