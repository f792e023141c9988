import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateKey } from "../keys.ts";
import { openCheckpoint, parseCheckpoint, signCheckpoint } from "./checkpoint.ts";
import { cosign, requireWitnesses } from "./cosignature.ts";
import { AuditError } from "./errors.ts";
import { EMPTY_ROOT, leafHash } from "./hash.ts";
import { type VerifierKey, formatNote, formatVkey, parseNote, parseVkey, verifierKey } from "./note.ts";
import { consistencyPlan, fold } from "./plan.ts";
import { leavesOf, naiveConsistency, naiveRoot } from "./testing.ts";
import { addSignatures, checkpointBytes, decideAddCheckpoint, formatAddCheckpoint } from "./witness.ts";

const LOG = generateKey(new Uint8Array(32).fill(1));
const ORIGIN = "moult.example/log";
const KEY = verifierKey(ORIGIN, "note", LOG.publicKey);
const LEAVES = leavesOf(20);
const DEEP = process.env["MOULT_DEEP"] === "1";

function checkpoint(size: number, leaves = LEAVES) {
  return signCheckpoint(
    { origin: ORIGIN, size, root: naiveRoot(leaves.slice(0, size)), extensions: [] },
    LOG.privateKey,
  );
}

function codeOf(act: () => unknown): string {
  try {
    act();
    return "accepted";
  } catch (error) {
    if (error instanceof AuditError) return error.code;
    throw error;
  }
}

/** The example note of C2SP signed-note, and the key of Go's checksum database with a note it signed. */
const SUMDB_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

describe("keys", () => {
  test("a key in use elsewhere is read, and written as it was", () => {
    expect(formatVkey(parseVkey(SUMDB_KEY, "note"))).toBe(SUMDB_KEY);
  });

  test.each([
    ["of another use", SUMDB_KEY, "cosignature" as const],
    ["whose id is another's", SUMDB_KEY.replace("033de0ae", "033de0af"), "note" as const],
    ["under another name", SUMDB_KEY.replace("sum.", "sun."), "note" as const],
    ["cut short", SUMDB_KEY.slice(0, -4), "note" as const],
    ["without a name", SUMDB_KEY.replace("sum.golang.org", ""), "note" as const],
    ["with a space in its name", SUMDB_KEY.replace("sum.", "sum "), "note" as const],
    ["too long", `${"a".repeat(600)}${SUMDB_KEY}`, "note" as const],
  ])("a key %s is refused", (_, text, use) => {
    expect(codeOf(() => parseVkey(text, use))).toBe("VKEY_INVALID");
  });

  test("a key of small order is refused", () => {
    expect(codeOf(() => verifierKey("a", "note", Buffer.concat([Buffer.of(1), Buffer.alloc(31)])))).toBe(
      "VKEY_INVALID",
    );
  });
});

describe("checkpoints", () => {
  test("are read as they were signed", () => {
    const signed = checkpoint(7);
    const { origin, size, root, note } = openCheckpoint(checkpointBytes(signed), KEY);
    expect({ origin, size, root: Buffer.from(root) }).toEqual({
      origin: ORIGIN,
      size: 7,
      root: Buffer.from(signed.root),
    });
    expect(note.unverifiedText).toBe(signed.note.unverifiedText);
  });

  test("any flipped bit is found", () => {
    const bytes = checkpointBytes(checkpoint(7));
    // One of each byte's bits; all of them in the long run.
    for (let bit = 0; bit < bytes.length * 8; bit += DEEP ? 1 : 9) {
      const flipped = new Uint8Array(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(
        codeOf(() => openCheckpoint(flipped, KEY)),
        `bit ${bit}`,
      ).not.toBe("accepted");
    }
  });

  test("signed by another key under the log's name, or by nobody known, are refused", () => {
    const other = generateKey(new Uint8Array(32).fill(2));
    const forged = signCheckpoint({ ...checkpoint(7) }, other.privateKey);
    expect(codeOf(() => openCheckpoint(checkpointBytes(forged), KEY))).toBe("SIGNATURE_INVALID");
  });

  test("a signature by the log's key over a text of another log is refused", () => {
    const stranger = { ...checkpoint(7), origin: "other" };
    const text = `other\n7\n${Buffer.from(stranger.root).toString("base64")}\n`;
    const { signatures } = signCheckpoint(checkpoint(7), LOG.privateKey).note;
    expect(codeOf(() => openCheckpoint(formatNote({ unverifiedText: text, signatures }), KEY))).toBe(
      "SIGNATURE_INVALID",
    );
  });

  test.each([
    ["a\n07\n", "a size with a zero before it"],
    ["a\n-1\n", "a negative size"],
    ["a\n99999999999999999\n", "a size that no number holds"],
    ["\n7\n", "no origin"],
  ])("%j (%s) is none", (head) => {
    expect(codeOf(() => parseCheckpoint(`${head}${Buffer.from(EMPTY_ROOT).toString("base64")}\n`))).toBe(
      "CHECKPOINT_INVALID",
    );
  });

  test("bytes that are no note are refused in its own words, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), fc.integer({ min: 0, max: 7 }), (noise, at, op) => {
        const bytes = Buffer.from(checkpointBytes(checkpoint(7)));
        const cut = at % bytes.length;
        const parts = [bytes.subarray(0, cut), noise, bytes.subarray(op < 4 ? cut : Math.min(bytes.length, cut + op))];
        const code = codeOf(() => parseNote(op === 0 ? noise : Buffer.concat(parts)));
        expect(["accepted", "NOTE_INVALID"]).toContain(code);
      }),
      { numRuns: DEEP ? 1_000_000 : 1_000 },
    );
  });
});

describe("witnesses", () => {
  const PEOPLE = [3, 4].map((n) => generateKey(new Uint8Array(32).fill(n)));
  const NAMES = ["w.example/a", "w.example/b"];
  const KEYS = PEOPLE.map(({ publicKey }, n) => verifierKey(NAMES[n] ?? "", "cosignature", publicKey));
  const by = (n: number, text: string, timeS = 1_700_000_000) =>
    cosign(text, NAMES[n] ?? "", PEOPLE[n]?.privateKey ?? new Uint8Array(), timeS);

  test("distinct keys count, the same one twice does not, and who is not named does not", () => {
    const signed = checkpoint(7);
    const text = signed.note.unverifiedText;
    const two = addSignatures(signed, [by(0, text), by(1, text)]).note;
    expect(requireWitnesses(two, KEYS, 2)).toEqual([
      { name: "w.example/a", timeS: 1_700_000_000 },
      { name: "w.example/b", timeS: 1_700_000_000 },
    ]);
    const twice = addSignatures(signed, [by(0, text), by(0, text, 1_700_000_001)]).note;
    expect(codeOf(() => requireWitnesses(twice, KEYS, 2))).toBe("WITNESSES_TOO_FEW");
    expect(codeOf(() => requireWitnesses(two, KEYS.slice(0, 1), 2))).toBe("WITNESSES_TOO_FEW");
    // One key that was configured under two names is one witness.
    const alias = verifierKey("w.example/alias", "cosignature", PEOPLE[0]?.publicKey ?? new Uint8Array());
    const aliased = cosign(text, "w.example/alias", PEOPLE[0]?.privateKey ?? new Uint8Array(), 1);
    const both = addSignatures(signed, [by(0, text), aliased]).note;
    expect(codeOf(() => requireWitnesses(both, [...KEYS.slice(0, 1), alias], 2))).toBe("WITNESSES_TOO_FEW");
  });

  test("a cosignature over another checkpoint, or with its time changed, is refused", () => {
    const signed = checkpoint(7);
    const stray = addSignatures(signed, [by(0, checkpoint(6).note.unverifiedText)]).note;
    expect(codeOf(() => requireWitnesses(stray, KEYS, 1))).toBe("SIGNATURE_INVALID");
    const good = by(0, signed.note.unverifiedText);
    const moved = new Uint8Array(good.signature);
    moved[7] = (moved[7] ?? 0) ^ 1;
    expect(codeOf(() => requireWitnesses(addSignatures(signed, [{ ...good, signature: moved }]).note, KEYS, 1))).toBe(
      "SIGNATURE_INVALID",
    );
  });

  const request = (oldSize: number, size: number, leaves = LEAVES): Uint8Array => {
    const proof = oldSize === 0 || oldSize > size ? [] : naiveConsistency(oldSize, leaves.slice(0, size));
    return formatAddCheckpoint({ oldSize, proof, unverifiedNote: checkpointBytes(checkpoint(size, leaves)) });
  };
  const at = (size: number) => () => ({ size, root: naiveRoot(LEAVES.slice(0, size)) });
  const decide = (bytes: Uint8Array, size: number, keys: readonly VerifierKey[] = [KEY]) =>
    decideAddCheckpoint(bytes, keys, size === 0 ? () => undefined : at(size)).kind;
  const forked = [...LEAVES.slice(0, 4), Buffer.from("another"), ...LEAVES.slice(5)];

  test("cosign consistent growth, from nothing and from what they saw, and the same tree again", () => {
    expect(decide(request(0, 5), 0)).toBe("COSIGN");
    expect(decide(request(5, 12), 5)).toBe("COSIGN");
    expect(decide(request(5, 5), 5)).toBe("COSIGN");
  });

  test("cosign nothing else", () => {
    expect(decide(request(0, 12), 5)).toBe("OTHER_SIZE");
    expect(decide(request(3, 4), 5)).toBe("OTHER_SIZE");
    expect(decide(request(7, 5), 5)).toBe("BAD_REQUEST");
    expect(decide(request(5, 12, forked), 5)).toBe("UNPROVEN");
    expect(decide(request(5, 5, forked), 5)).toBe("OTHER_ROOT");
    expect(decide(request(0, 5), 0, [])).toBe("UNKNOWN_LOG");
    const impostor = verifierKey(ORIGIN, "note", generateKey(new Uint8Array(32).fill(9)).publicKey);
    expect(decide(request(0, 5), 0, [impostor])).toBe("FORBIDDEN");
    expect(decide(request(0, 5), 0, [impostor, KEY])).toBe("COSIGN");
  });

  test("requests that break the format are bad requests, whatever they are", () => {
    const good = Buffer.from(request(5, 12));
    const bad = ["", "old 5\n", "old 05\n\n", "old 5\nno hash\n\n", `old 5\n${"x\n".repeat(64)}\n`, "new 5\n\nx"];
    for (const text of bad) expect(decide(Buffer.from(text), 5)).toBe("BAD_REQUEST");
    expect(decide(Buffer.alloc(200_000, 0x41), 5)).toBe("BAD_REQUEST");
    fc.assert(
      fc.property(fc.nat({ max: good.length * 8 - 1 }), (bit) => {
        const flipped = Buffer.from(good);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decide(flipped, 5)).not.toBe("COSIGN");
      }),
      { numRuns: DEEP ? 100_000 : 100 },
    );
  });
});

test("a plan and the definition agree where a witness would fold one", () => {
  const hashOf = ({ level, index }: { level: number; index: number }): Uint8Array =>
    naiveRoot(LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level));
  expect(consistencyPlan(5, 12).map((run) => fold(run, hashOf))).toEqual(naiveConsistency(5, LEAVES.slice(0, 12)));
  expect(leafHash(LEAVES[0] ?? new Uint8Array())).toEqual(naiveRoot(LEAVES.slice(0, 1)));
});
