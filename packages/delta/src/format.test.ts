/** Heads of deltas: what is written is read, and what breaks a rule is refused before anything is done by it. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeltaError } from "./errors.ts";
import {
  CHUNK_BYTES,
  HEAD_BYTES_MAX,
  type HeadInput,
  OLD_BYTES_MAX,
  checkExpected,
  encodeHead,
  headLengthOf,
  readHead,
} from "./format.ts";

const OLD = { digest: "1".repeat(64), lengthBytes: 10 * CHUNK_BYTES };
const GOOD: HeadInput = {
  old: OLD,
  digest: "2".repeat(64),
  lengthBytes: 2 * CHUNK_BYTES + 5,
  chunks: [
    { oldOffset: 0, oldLength: OLD_BYTES_MAX, packedLength: 1_000 },
    { oldOffset: CHUNK_BYTES, oldLength: 1_000, packedLength: 2_000 },
    { oldOffset: 0, oldLength: 0, packedLength: 9 },
  ],
};
const GIB = 1_073_741_824;

const codeOf = (act: () => unknown): unknown => {
  try {
    act();
    return "read";
  } catch (error) {
    return error instanceof DeltaError ? error.code : error;
  }
};
/** With `change` made to the first chunk. */
const withFirst = (change: Partial<HeadInput["chunks"][number]>): HeadInput => ({
  ...GOOD,
  chunks: GOOD.chunks.map((chunk, index) => (index === 0 ? { ...chunk, ...change } : chunk)),
});

describe("a head", () => {
  it("is read as it was written, whatever follows it", () => {
    const bytes = Buffer.concat([encodeHead(GOOD), Buffer.from("packed bytes")]);
    const head = readHead(bytes);
    expect(head).toMatchObject({ oldDigest: OLD.digest, oldBytes: OLD.lengthBytes, newDigest: GOOD.digest });
    expect(head.chunks.map(({ newOffset, newLength }) => [newOffset, newLength])).toEqual([
      [0, CHUNK_BYTES],
      [CHUNK_BYTES, CHUNK_BYTES],
      [2 * CHUNK_BYTES, 5],
    ]);
    const headBytes = encodeHead(GOOD).length;
    expect(head.chunks.map(({ packedOffset }) => packedOffset)).toEqual([
      headBytes,
      headBytes + 1_000,
      headBytes + 3_000,
    ]);
    expect(head.deltaBytes).toBe(headBytes + 3_009);
    expect(codeOf(() => checkExpected(head, GOOD))).toBe("read");
  });

  it("says how long it is as soon as it can", () => {
    const bytes = encodeHead(GOOD);
    for (let length = 0; length < 88; length += 1) expect(headLengthOf(bytes.subarray(0, length))).toBe(88);
    expect(headLengthOf(bytes.subarray(0, 88))).toBe(bytes.length);
    expect(codeOf(() => readHead(bytes.subarray(0, -1)))).toBe("MALFORMED");
    expect(HEAD_BYTES_MAX).toBeLessThan(40_000);
  });

  it.each([
    ["no delta's beginning", () => headLengthOf(Buffer.from("<html>"))],
    ["another form", () => headLengthOf(Buffer.from("moultdl2"))],
    ["a part of no length", () => readHead(encodeHead({ ...GOOD, lengthBytes: 0, chunks: [] }))],
    ["a part of 5 GiB", () => headLengthOf(encodeHead({ ...GOOD, lengthBytes: 5 * GIB }))],
    ["a length beyond arithmetic", () => headLengthOf(encodeHead({ ...GOOD, lengthBytes: Number.MAX_SAFE_INTEGER }))],
    ["an old part of 5 GiB", () => readHead(encodeHead({ ...GOOD, old: { ...OLD, lengthBytes: 5 * GIB } }))],
    [
      "nothing that has a length",
      () => readHead(encodeHead({ ...GOOD, old: { digest: "0".repeat(64), lengthBytes: 9 } })),
    ],
    ["an old range that is too long", () => readHead(encodeHead(withFirst({ oldLength: OLD_BYTES_MAX + 1 })))],
    [
      "an old range behind the end",
      () => readHead(encodeHead(withFirst({ oldOffset: OLD.lengthBytes - 5, oldLength: 6 }))),
    ],
    ["an old range far away", () => readHead(encodeHead(withFirst({ oldOffset: 2 ** 52, oldLength: 0 })))],
    ["an empty chunk", () => readHead(encodeHead(withFirst({ packedLength: 0 })))],
    ["a chunk that does not get shorter", () => readHead(encodeHead(withFirst({ packedLength: 2 * CHUNK_BYTES })))],
  ])("with %s is malformed", (_, act) => {
    expect(codeOf(act)).toBe("MALFORMED");
  });

  it("of a delta that is no shorter than the part is refused", () => {
    const chunks = [{ oldOffset: 0, oldLength: 0, packedLength: 900 }];
    expect(codeOf(() => readHead(encodeHead({ ...GOOD, lengthBytes: 1_004, chunks })))).toBe("TOO_LONG");
    expect(codeOf(() => readHead(encodeHead({ ...GOOD, lengthBytes: 1_005, chunks })))).toBe("read");
  });

  it.each([
    ["another new part", { digest: "3".repeat(64) }],
    ["another length", { lengthBytes: GOOD.lengthBytes - 1 }],
    ["another old part", { old: { ...OLD, digest: "3".repeat(64) } }],
    ["another length of the old part", { old: { ...OLD, lengthBytes: 7 } }],
    ["nothing old", { old: undefined }],
  ])("for %s is not taken", (_, other) => {
    const head = readHead(encodeHead(GOOD));
    expect(codeOf(() => checkExpected(head, { ...GOOD, ...other }))).toBe("OTHER_PART");
  });

  it("of any bytes is refused, or keeps within every bound", () => {
    const good = encodeHead(GOOD);
    const bent = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }).map((edits) => {
      const bytes = new Uint8Array(good);
      for (const [at, value] of edits) bytes[at] = value;
      return bytes;
    });
    const tail = fc.uint8Array({ maxLength: 200 });
    const any = tail.map((bytes) => new Uint8Array(Buffer.concat([Buffer.from("moultdl1"), bytes])));
    fc.assert(
      fc.property(fc.oneof(bent, any, tail), (bytes) => {
        const code = codeOf(() => readHead(bytes));
        if (code !== "read") {
          expect(["MALFORMED", "TOO_LONG"]).toContain(code);
          return;
        }
        // Counted anew here, chunk by chunk.
        const head = readHead(bytes);
        let [made, at] = [0, 88 + 16 * head.chunks.length];
        for (const chunk of head.chunks) {
          expect(chunk.newOffset).toBe(made);
          expect(chunk.newLength).toBeGreaterThan(0);
          expect(chunk.newLength).toBeLessThanOrEqual(2 * 1024 * 1024);
          expect(chunk.oldLength).toBeLessThanOrEqual(6 * 1024 * 1024);
          expect(chunk.oldOffset + chunk.oldLength).toBeLessThanOrEqual(head.oldBytes);
          expect(chunk.packedOffset).toBe(at);
          made += chunk.newLength;
          at += chunk.packedLength;
        }
        expect([made, at]).toEqual([head.newBytes, head.deltaBytes]);
        expect(at).toBeLessThan(head.newBytes);
      }),
      { numRuns: process.env["MOULT_DEEP"] === "1" ? 200_000 : 3_000 },
    );
  });
});
