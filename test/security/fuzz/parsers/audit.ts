/** Parsers of the audit log: what a log serves to auditors, what a witness is asked, what a witness answers. */
import { openCheckpoint, parseCheckpoint, signCheckpoint } from "../../../../packages/trust/src/audit/checkpoint.ts";
import { openCosignature } from "../../../../packages/trust/src/audit/cosignature.ts";
import { AuditError } from "../../../../packages/trust/src/audit/errors.ts";
import { EMPTY_ROOT } from "../../../../packages/trust/src/audit/hash.ts";
import { readLeaf, writeLeaf } from "../../../../packages/trust/src/audit/leaf.ts";
import {
  formatNote,
  formatVkey,
  openNote,
  parseNote,
  parseSignatures,
  parseVkey,
  verifierKey,
} from "../../../../packages/trust/src/audit/note.ts";
import { parseTilePath, readBundle, tilePath, writeBundle } from "../../../../packages/trust/src/audit/tile.ts";
import {
  decideAddCheckpoint,
  formatAddCheckpoint,
  parseAddCheckpoint,
} from "../../../../packages/trust/src/audit/witness.ts";
import { fromJson } from "../../../../packages/trust/src/encoding.ts";
import { generateKey } from "../../../../packages/trust/src/keys.ts";
import { openOwn } from "../../../../apps/coordinator/src/audit/last-checkpoint.ts";
import { StoreError } from "../../../../apps/coordinator/src/store/port.ts";
import { type Parser, bytesOf, oneOf, textOf } from "../parser.ts";

const AUDIT = "packages/trust/src/audit";
const LOG = generateKey(new Uint8Array(32).fill(1));
const KEY = verifierKey("a/log", "note", LOG.publicKey);
const WITNESS = verifierKey("a.witness", "cosignature", LOG.publicKey);
const NOTE = formatNote(
  signCheckpoint({ origin: "a/log", size: 7, root: EMPTY_ROOT, extensions: [] }, LOG.privateKey).note,
);
const ENTRY = writeLeaf({ network: "demo", pool: "a", seq: 1, atMs: 7, kind: "brake" }, { engaged: true }).entry;
const BUNDLE = writeBundle([ENTRY, ENTRY]);
const REQUEST = formatAddCheckpoint({ oldSize: 0, proof: [EMPTY_ROOT, EMPTY_ROOT], unverifiedNote: NOTE });
const audit = oneOf(AuditError);

export const AUDIT_PARSERS: readonly Parser[] = [
  {
    name: "a checkpoint's note",
    covers: [`${AUDIT}/note.ts#parseNote`],
    samples: () => [NOTE],
    parse(bytes) {
      const note = parseNote(bytes);
      openCosignature(note, WITNESS);
      return openNote(note, KEY);
    },
    refuses: audit,
  },
  {
    name: "a checkpoint with its signature",
    covers: [],
    samples: () => [NOTE],
    parse: (bytes) => openCheckpoint(bytes, KEY),
    refuses: audit,
    dear: true,
  },
  {
    name: "the log's own last checkpoint",
    covers: [],
    samples: () => [NOTE],
    parse: (bytes) => openOwn(bytes, KEY, "a file"),
    refuses: oneOf(StoreError),
    dear: true,
  },
  {
    name: "a checkpoint's text",
    covers: [`${AUDIT}/checkpoint.ts#parseCheckpoint`],
    samples: () => [Buffer.from(NOTE).subarray(0, Buffer.from(NOTE).indexOf("\n\n") + 1)],
    parse: (bytes) => parseCheckpoint(textOf(bytes)),
    refuses: audit,
  },
  {
    name: "signature lines",
    covers: [`${AUDIT}/note.ts#parseSignatures`],
    samples: () => [Buffer.from(NOTE).subarray(Buffer.from(NOTE).indexOf("\u2014"))],
    parse: (bytes) => parseSignatures(textOf(bytes)),
    refuses: audit,
  },
  {
    name: "a verifier's key",
    covers: [`${AUDIT}/note.ts#parseVkey`],
    samples: () => [bytesOf(formatVkey(KEY)), bytesOf(formatVkey(WITNESS))],
    parse: (bytes) => parseVkey(textOf(bytes), "note"),
    refuses: audit,
  },
  {
    name: "a tile's path",
    covers: [`${AUDIT}/tile.ts#parseTilePath`],
    samples: () => [
      bytesOf(tilePath({ level: 0, index: 1_234_067, width: 7 })),
      bytesOf(tilePath({ level: "entries", index: 5, width: 256 })),
    ],
    parse: (bytes) => parseTilePath(textOf(bytes)),
  },
  {
    name: "a bundle of entries",
    covers: [`${AUDIT}/tile.ts#readBundle`],
    samples: () => [BUNDLE],
    parse: (bytes) => readBundle(bytes, 2),
    refuses: audit,
  },
  {
    name: "a leaf",
    covers: [`${AUDIT}/leaf.ts#readLeaf`],
    samples: () => [ENTRY],
    parse: readLeaf,
    refuses: audit,
  },
  {
    name: "a request to a witness",
    covers: [`${AUDIT}/witness.ts#parseAddCheckpoint`],
    samples: () => [REQUEST],
    parse: parseAddCheckpoint,
    refuses: audit,
  },
  {
    name: "a request to a witness, decided",
    covers: [],
    samples: () => [REQUEST],
    parse: (bytes) => decideAddCheckpoint(bytes, [KEY], () => undefined),
    dear: true,
  },
  {
    name: "JSON that may be none",
    covers: ["packages/trust/src/encoding.ts#fromJson"],
    samples: () => [ENTRY],
    parse: fromJson,
  },
];
