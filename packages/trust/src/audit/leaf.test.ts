import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestOf } from "../digest.ts";
import { AuditError } from "./errors.ts";
import { BODY_INLINE_BYTES_MAX, canonicalJson, readLeaf, writeLeaf } from "./leaf.ts";
import { ENTRY_BYTES_MAX } from "./tile.ts";

const HEAD = { network: "demo", pool: "home", seq: 3, atMs: 1_700_000_000_000, kind: "permit" };
const DEEP = process.env["MOULT_DEEP"] === "1";

function codeOf(bytes: Uint8Array): string {
  try {
    readLeaf(bytes);
    return "accepted";
  } catch (error) {
    if (error instanceof AuditError) return error.code;
    throw error;
  }
}

test("a leaf has one form, with its keys in order and nothing between them", () => {
  const { entry, apart } = writeLeaf(HEAD, { b: [1, { z: null, a: true }], a: "ü" });
  expect(Buffer.from(entry).toString()).toBe(
    '{"at_ms":1700000000000,"body":{"a":"ü","b":[1,{"a":true,"z":null}]},"kind":"permit","network":"demo","pool":"home","seq":3,"v":1}',
  );
  expect(apart).toBeUndefined();
});

test("any body comes back, and a body in another order is the same leaf", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (body) => {
      const { entry } = writeLeaf(HEAD, body);
      const again = readLeaf(entry);
      expect(again).toEqual({ ...HEAD, body: { value: JSON.parse(JSON.stringify(body)) } });
      expect("value" in again.body && canonicalJson(again.body.value)).toBe(canonicalJson(body));
    }),
    { numRuns: DEEP ? 100_000 : 300 },
  );
});

/** The form of RFC 8785, written as the words say, with nothing of the engine's own for objects. */
function asTheWordsSay(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => asTheWordsSay(item)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${asTheWordsSay(member)}`).join(",")}}`;
}

test("keys are in order whatever they are: also numbers, and names that objects have of themselves", () => {
  const key = fc.oneof(
    fc.string(),
    fc.nat({ max: 200 }).map(String),
    fc.constantFrom("__proto__", "toJSON", "constructor", "_", "-1", "01", "\ud800", ""),
  );
  const { json } = fc.letrec<{ json: unknown; object: unknown }>((tie) => ({
    json: fc.oneof({ maxDepth: 4 }, fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), tie("object")),
    object: fc.array(fc.tuple(key, fc.oneof(tie("json"), fc.array(tie("json"))))).map((members) => {
      // As a parser makes it: every name is a property of its own.
      const texts = members.map(([name, member]) => `${JSON.stringify(name)}:${JSON.stringify(member)}`);
      return JSON.parse(`{${texts.join(",")}}`) as unknown;
    }),
  }));
  fc.assert(
    fc.property(json, (body) => {
      expect(canonicalJson(body)).toBe(asTheWordsSay(body));
    }),
    { numRuns: DEEP ? 100_000 : 1_000 },
  );
  expect(canonicalJson({ b: undefined, 10: 1, 9: 2 })).toBe('{"10":1,"9":2}');
  expect(() => canonicalJson([undefined])).toThrow(AuditError);
  expect(() => canonicalJson({ 1: undefined, a: Number.NaN })).toThrow(AuditError);
});

test("a body that is too large for an entry stands apart under its digest", () => {
  const nodes = Array.from({ length: 5_000 }, (_, n) => `node-${n}`);
  const { entry, apart } = writeLeaf(HEAD, { nodes });
  expect(entry.length).toBeLessThan(ENTRY_BYTES_MAX);
  const bytes = apart?.bytes ?? new Uint8Array();
  expect(apart?.digest).toBe(digestOf(bytes));
  expect(readLeaf(entry).body).toEqual({ digest: apart?.digest, lengthBytes: bytes.length });
  const wide = writeLeaf(HEAD, "ü".repeat(BODY_INLINE_BYTES_MAX / 2 - 1));
  expect([wide.apart, writeLeaf(HEAD, "ü".repeat(BODY_INLINE_BYTES_MAX / 2)).apart?.bytes.length]).toEqual([
    undefined,
    BODY_INLINE_BYTES_MAX + 2,
  ]);
  const edge = writeLeaf(HEAD, "x".repeat(BODY_INLINE_BYTES_MAX - 2));
  expect([edge.apart, edge.entry.length < ENTRY_BYTES_MAX]).toEqual([undefined, true]);
});

describe("no leaf is", () => {
  const good = { at_ms: 1, body: {}, kind: "permit", network: "demo", pool: "home", seq: 1, v: 1 };
  test("the pattern of these", () => {
    expect(codeOf(Buffer.from(JSON.stringify(good)))).toBe("accepted");
  });
  test.each([
    ["another version", JSON.stringify({ ...good, v: 2 })],
    ["a key of no version", JSON.stringify({ ...good, w: 1 })],
    ["spaces", JSON.stringify(good, undefined, 1)],
    ["another order", JSON.stringify(Object.fromEntries(Object.entries(good).toReversed()))],
    ["a key twice", JSON.stringify(good).replace('"seq":1', '"seq":1,"seq":1')],
    ["a number written otherwise", JSON.stringify(good).replace('"seq":1', '"seq":1.0')],
    ["an escape that is not needed", JSON.stringify(good).replace("demo", "\\u0064emo")],
    ["number 0 of its pool", JSON.stringify({ ...good, seq: 0 })],
    ["a fraction of a millisecond", JSON.stringify({ ...good, at_ms: 0.5 })],
    ["no pool", JSON.stringify({ ...good, pool: "" })],
    ["no body", JSON.stringify({ ...good, body: undefined })],
    [
      "a digest for a small body",
      `{"at_ms":1,"body_bytes":2,"body_sha256":"${"a".repeat(64)}",${JSON.stringify({ ...good, at_ms: undefined, body: undefined }).slice(1)}`,
    ],
    ["a list", "[]"],
    ["not UTF-8", "\u00ff"],
    ["too deep", JSON.stringify(good).replace("{}", "[".repeat(20_000) + "]".repeat(20_000))],
  ])("%s", (_, text) => {
    expect(codeOf(Buffer.from(text, text === "\u00ff" ? "latin1" : "utf8"))).toBe("LEAF_INVALID");
  });

  test("what came of bytes that were changed, unless it is a leaf of its own", () => {
    const { entry } = writeLeaf(HEAD, { text: "some", list: [1, 2, 3] });
    fc.assert(
      fc.property(fc.nat({ max: entry.length - 1 }), fc.uint8Array({ maxLength: 4 }), (at, noise) => {
        const bytes = Buffer.concat([entry.subarray(0, at), noise, entry.subarray(at + noise.length)]);
        expect(["accepted", "LEAF_INVALID"]).toContain(codeOf(bytes));
      }),
      { numRuns: DEEP ? 1_000_000 : 2_000 },
    );
  });
});
