/** Bytes from outside, and valid bytes with changes in them: every parser of a log answers, or refuses in its own words. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateKey } from "../keys.ts";
import { LogAuditor } from "./auditor.ts";
import { openCheckpoint, parseCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { AuditError } from "./errors.ts";
import { EMPTY_ROOT, leafHash } from "./hash.ts";
import { readLeaf, writeLeaf } from "./leaf.ts";
import { formatNote, formatVkey, parseSignatures, parseVkey, verifierKey } from "./note.ts";
import { parseTilePath, readBundle, tilePath, writeBundle } from "./tile.ts";
import { runProofVectors } from "./vectors.ts";
import { decideAddCheckpoint, formatAddCheckpoint } from "./witness.ts";

const RUNS = process.env["MOULT_DEEP"] === "1" ? 1_000_000 : 1_000;
const LOG = generateKey(new Uint8Array(32).fill(1));
const KEY = verifierKey("a/log", "note", LOG.publicKey);
const NOTE = formatNote(
  signCheckpoint({ origin: "a/log", size: 0, root: EMPTY_ROOT, extensions: [] }, LOG.privateKey).note,
);
const ENTRY = writeLeaf({ network: "demo", pool: "a", seq: 1, atMs: 7, kind: "brake" }, { engaged: true }).entry;
const BUNDLE = writeBundle([ENTRY, ENTRY]);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

const PARSERS: readonly (readonly [name: string, valid: Uint8Array, parse: (bytes: Uint8Array) => unknown])[] = [
  ["a checkpoint's note", NOTE, (bytes) => openCheckpoint(bytes, KEY)],
  ["a checkpoint's text", NOTE.subarray(0, NOTE.indexOf(10, 10)), (bytes) => parseCheckpoint(text(bytes))],
  ["signatures", NOTE.subarray(NOTE.lastIndexOf(0xe2)), (bytes) => parseSignatures(text(bytes))],
  ["a key", Buffer.from(formatVkey(KEY)), (bytes) => parseVkey(text(bytes), "note")],
  ["a path", Buffer.from(tilePath({ level: 0, index: 1234, width: 7 })), (bytes) => parseTilePath(text(bytes))],
  ["a bundle", BUNDLE, (bytes) => readBundle(bytes, 2)],
  ["a leaf", ENTRY, (bytes) => readLeaf(bytes)],
  ["a bundle with its leaves", BUNDLE, auditBundle],
  [
    "a request to a witness",
    formatAddCheckpoint({ oldSize: 0, proof: [EMPTY_ROOT], unverifiedNote: NOTE }),
    (bytes) => decideAddCheckpoint(bytes, [KEY], () => undefined),
  ],
  ["vectors", Buffer.from('[{"leafIdx":0,"treeSize":1,"root":"","proof":null,"wantErr":true}]'), runProofVectors],
];

function auditBundle(bundle: Uint8Array): unknown {
  return new LogAuditor({ checkpoints: [] }).addBundle(Buffer.concat([leafHash(ENTRY), leafHash(ENTRY)]), bundle);
}

/** Where, how much of it goes, and what comes instead; several times. */
const changes = fc.array(fc.tuple(fc.nat({ max: 4096 }), fc.nat({ max: 12 }), fc.uint8Array({ maxLength: 12 })), {
  minLength: 1,
  maxLength: 3,
});

describe.each(PARSERS)("%s", (_, valid, parse) => {
  test.each([
    ["of any bytes", fc.uint8Array({ maxLength: 512 })],
    [
      "of changed bytes",
      changes.map((list) =>
        list.reduce<Uint8Array>((bytes, [at, count, instead]) => {
          const from = at % (bytes.length + 1);
          return Buffer.concat([bytes.subarray(0, from), instead, bytes.subarray(from + count)]);
        }, valid),
      ),
    ],
  ])(
    "%s is read or refused",
    (_, input) => {
      fc.assert(
        fc.property(input, (bytes) => {
          try {
            parse(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(AuditError);
          }
        }),
        { numRuns: RUNS },
      );
    },
    3_600_000,
  );
});
