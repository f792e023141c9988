/** Parsers of what a coordinator carries for others, and of who its operators are: metadata, brakes, overrides, the table. */
import { X509Certificate } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { RpcError } from "@moult/contracts";
import { CreateOverrideRequestSchema, EventKind, ListEventsRequestSchema } from "@moult/contracts/v1";
import { ConfigError } from "../../../../apps/coordinator/src/config.ts";
import { clientKeyOf } from "../../../../apps/coordinator/src/identity/client-key.ts";
import { OperatorsFileError, readOperatorsFile } from "../../../../apps/coordinator/src/identity/operators-file.ts";
import { makeCertificate } from "../../../../apps/coordinator/src/testing/client-certificate.ts";
import { OPERATOR_PUBLIC_KEY, signedOverride } from "../../../../apps/coordinator/src/testing/override.ts";
import { readBrake } from "../../../../apps/coordinator/src/trust/brakes.ts";
import { type Carried, openCarried } from "../../../../apps/coordinator/src/trust/carried.ts";
import { DoesNotFollow, judgePublication } from "../../../../apps/coordinator/src/trust/publication.ts";
import { readRoot } from "../../../../apps/coordinator/src/trust/root-file.ts";
import { readKinds } from "../../../../apps/coordinator/src/wire/event.ts";
import { readSignedOverride } from "../../../../apps/coordinator/src/wire/override.ts";
import { StatementError } from "../../../../packages/trust/src/statement/errors.ts";
import { TufError } from "../../../../packages/trust/src/tuf/errors.ts";
import { aside } from "../aside.ts";
import { SAMPLES_NOW_MS, metadataSamples } from "../metadata.ts";
import { message } from "../message.ts";
import { type Parser, bytesOf, oneOf } from "../parser.ts";

const SRC = "apps/coordinator/src";
const rpc = oneOf(RpcError);

const { certificatePem } = await makeCertificate();

const OPERATORS = `operators:
  ada: { roles: [admin], certificate_spki_sha256: "${"ab".repeat(32)}" }
  bob:
    roles: [viewer, breaker]
    token_sha256: ["${"cd".repeat(32)}", "${"ef".repeat(32)}"]
    key: ${OPERATOR_PUBLIC_KEY}
`;

let carried: Promise<Carried> | undefined;

/** What a coordinator carries that has published nothing yet but its root. */
function carriedRoot(): Promise<Carried> {
  const found = { rootFile: metadataSamples().files.root, metadata: [], brakeStatements: [] };
  carried ??= openCarried(found, SAMPLES_NOW_MS).then((opened) => opened.carried);
  return carried;
}

const override = (): Uint8Array => {
  const wish = { pool: "pools/home", nodes: ["nodes/n1"], reason: "drill", deficitMaxRps: 2 };
  const request = signedOverride(wish, 60, { issuedMs: SAMPLES_NOW_MS });
  return toBinary(CreateOverrideRequestSchema, create(CreateOverrideRequestSchema, request));
};

export const CARRIED_PARSERS: readonly Parser[] = [
  {
    name: "a signed override",
    covers: [`${SRC}/wire/override.ts#readSignedOverride`],
    samples: () => [override()],
    parse: message(CreateOverrideRequestSchema, (request) =>
      readSignedOverride(request, { network: "demo", keys: [OPERATOR_PUBLIC_KEY], now: SAMPLES_NOW_MS }),
    ),
    refuses: rpc,
    dear: true,
  },
  {
    name: "a filter of events",
    covers: [`${SRC}/wire/event.ts#readKinds`],
    samples: () => [
      toBinary(
        ListEventsRequestSchema,
        create(ListEventsRequestSchema, { kinds: [EventKind.ASK_STORM, EventKind.CLONE] }),
      ),
    ],
    parse: message(ListEventsRequestSchema, ({ kinds }) => readKinds(kinds)),
    refuses: rpc,
  },
  {
    name: "a brake that was handed in",
    covers: [`${SRC}/trust/brakes.ts#readBrake`],
    samples: () => [metadataSamples().brake],
    parse: async (bytes) => readBrake(bytes, await carriedRoot(), SAMPLES_NOW_MS),
    refuses: oneOf(StatementError),
    dear: true,
  },
  {
    name: "a file among those that a publisher hands in",
    covers: [],
    samples: () => Object.values(metadataSamples().files),
    async parse(bytes) {
      const { targets, snapshot, timestamp } = metadataSamples().files;
      const others = [targets, snapshot, timestamp].filter((file) => file.length !== bytes.length);
      return judgePublication(await carriedRoot(), [bytes, ...others], SAMPLES_NOW_MS);
    },
    refuses: oneOf(TufError, DoesNotFollow),
    dear: true,
  },
  {
    name: "a root file",
    covers: [`${SRC}/trust/root-file.ts#readRoot`],
    samples: () => [metadataSamples().files.root],
    parse: (bytes) => readRoot({ root_file: aside("root.json", bytes), network: "demo" }),
    refuses: oneOf(ConfigError),
    dear: true,
  },
  {
    name: "a table of operators",
    covers: [`${SRC}/identity/operators-file.ts#readOperatorsFile`],
    samples: () => [bytesOf(OPERATORS)],
    parse: (bytes) => readOperatorsFile(aside("operators.yaml", bytes)),
    refuses: oneOf(OperatorsFileError),
    dear: true,
  },
  {
    name: "a client's certificate",
    covers: [],
    samples: () => [new X509Certificate(certificatePem).raw],
    parse: clientKeyOf,
    dear: true,
  },
];
