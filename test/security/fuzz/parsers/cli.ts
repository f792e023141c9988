/** Parsers of the command: what people write, and what comes from files that others made. */
import { generateKeyPairSync } from "node:crypto";
import { generateKey } from "@moult/trust";
import { publicHex } from "@moult/trust/testing";
import { parseDurationMs, parseDurationS } from "../../../../apps/cli/src/arguments/duration.ts";
import { parseEventKinds } from "../../../../apps/cli/src/arguments/event-kinds.ts";
import { parsePair, parsePairs } from "../../../../apps/cli/src/arguments/pairs.ts";
import { parseSelector } from "../../../../apps/cli/src/arguments/selector.ts";
import { parseShare } from "../../../../apps/cli/src/arguments/share.ts";
import { parseCohort } from "../../../../apps/cli/src/ceremony/cohort.ts";
import { readMetadata } from "../../../../apps/cli/src/ceremony/files.ts";
import { readPin, readPublicKey } from "../../../../apps/cli/src/ceremony/public-key.ts";
import { CliError } from "../../../../apps/cli/src/errors.ts";
import { openMemory } from "../../../../apps/cli/src/publisher/memory.ts";
import { readPublished } from "../../../../apps/cli/src/publisher/published.ts";
import { TufError } from "../../../../packages/trust/src/tuf/errors.ts";
import { aside } from "../aside.ts";
import { metadataSamples } from "../metadata.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";

const ARGUMENTS = "apps/cli/src/arguments";
const CEREMONY = "apps/cli/src/ceremony";
const PUBLIC_KEY = publicHex(generateKey(new Uint8Array(32).fill(6)));
const SERVER = generateKeyPairSync("ec", { namedCurve: "P-256" });
const cli = oneOf(CliError);

export const CLI_PARSERS: readonly Parser[] = [
  {
    name: "a share",
    covers: [`${ARGUMENTS}/share.ts#parseShare`],
    samples: () => ["25%", "0.25", "100%"].map(bytesOf),
    parse: (bytes) => parseShare(textOf(bytes)),
    refuses: cli,
  },
  {
    name: "a selector",
    covers: [`${ARGUMENTS}/selector.ts#parseSelector`],
    samples: () => ["region=eu", "region=eu,model in (m1|m2),x in (a)"].map(bytesOf),
    parse: (bytes) => parseSelector(textOf(bytes)),
    refuses: cli,
  },
  {
    name: "a duration",
    covers: [`${ARGUMENTS}/duration.ts#parseDurationMs`, `${ARGUMENTS}/duration.ts#parseDurationS`],
    samples: () => ["1h30m", "90s", "500ms"].map(bytesOf),
    parse: (bytes) => [parseDurationMs(textOf(bytes)), parseDurationS(textOf(bytes), 86_400)],
    refuses: cli,
  },
  {
    name: "pairs",
    covers: [`${ARGUMENTS}/pairs.ts#parsePair`, `${ARGUMENTS}/pairs.ts#parsePairs`],
    samples: () => ["a=b", "a=b\nc=d=e"].map(bytesOf),
    parse: (bytes) => [parsePairs(textOf(bytes).split("\n"), "K=V"), parsePair(textOf(bytes), "K=V")],
    refuses: cli,
  },
  {
    name: "kinds of events",
    covers: [`${ARGUMENTS}/event-kinds.ts#parseEventKinds`],
    samples: () => ["ask-storm", "clone"].map(bytesOf),
    parse: (bytes) => parseEventKinds([textOf(bytes)]),
    refuses: cli,
  },
  {
    name: "a cohort bound",
    covers: [`${CEREMONY}/cohort.ts#parseCohort`],
    samples: () => ["1%@now,10%@+2d,100%@2026-12-01T00:00:00Z"].map(bytesOf),
    parse: (bytes) => parseCohort(textOf(bytes), new Uint8Array(32), 1e12),
    refuses: cli,
  },
  {
    name: "a member's public key in a file",
    covers: [`${CEREMONY}/public-key.ts#readPublicKey`],
    samples: () => [PUBLIC_KEY, JSON.stringify({ publicKey: PUBLIC_KEY })].map(bytesOf),
    parse: (bytes) => readPublicKey(aside("member.json", bytes)),
    refuses: cli,
    dear: true,
  },
  {
    name: "a server's key in a file",
    covers: [`${CEREMONY}/public-key.ts#readPin`],
    samples: () => [Buffer.from(SERVER.publicKey.export({ format: "pem", type: "spki" }))],
    parse: (bytes) => readPin(aside("server.pem", bytes)),
    refuses: cli,
    dear: true,
  },
  {
    name: "a metadata file that a member was sent",
    covers: [`${CEREMONY}/files.ts#readMetadata`],
    samples: () => Object.values(metadataSamples().files),
    parse: (bytes) => readMetadata(aside("targets.json", bytes), "targets"),
    refuses: cli,
    dear: true,
  },
  {
    name: "a publisher's memory",
    covers: [],
    samples: () => [
      bytesOf(
        JSON.stringify(
          Object.fromEntries(
            Object.entries(metadataSamples().files).map(([name, file]) => [name, Buffer.from(file).toString("base64")]),
          ),
        ),
      ),
    ],
    parse: (bytes) => openMemory(metadataSamples().files.root, aside("memory.json", bytes)),
    refuses: cli,
    dear: true,
  },
  {
    name: "what a publisher finds published",
    covers: ["apps/cli/src/publisher/published.ts#readPublished"],
    samples: () => [metadataSamples().files.timestamp, metadataSamples().files.targets],
    parse(bytes) {
      const { files, source } = metadataSamples();
      const damaged = Buffer.from(bytes).includes("timestamp") ? "timestamp" : "targets";
      return readPublished(
        { fetch: (file, bytesMax) => (file.role === damaged ? Promise.resolve(bytes) : source.fetch(file, bytesMax)) },
        openMemory(files.root, undefined),
      );
    },
    refuses: oneOf(TufError),
    dear: true,
  },
];
