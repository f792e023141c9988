/** Making deltas and unpacking them: the same bytes come back, in as much memory as is promised. */
import { createHash } from "node:crypto";
import { constants, createZstdCompress, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DeltaError } from "./errors.ts";
import { CHUNK_BYTES, type DeltaChunk, OLD_BYTES_MAX, checkExpected, readHead } from "./format.ts";
import { makeDelta } from "./make.ts";
import { unpackChunk } from "./unpack.ts";

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes that do not repeat, the same for the same seed. */
function noise(lengthBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let state = seed >>> 0;
  for (let at = 0; at < lengthBytes; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function throughDelta(old: Uint8Array | undefined, fresh: Uint8Array): Promise<number | undefined> {
  const from = old && { digest: digestOf(old), bytes: old };
  const made = await makeDelta({ digest: digestOf(fresh), bytes: fresh }, from);
  if (made === undefined) return undefined;
  const bytes = Buffer.concat(made.pieces);
  const head = readHead(bytes);
  expect(head.deltaBytes).toBe(bytes.length);
  checkExpected(head, {
    old: from && { digest: from.digest, lengthBytes: from.bytes.length },
    digest: digestOf(fresh),
    lengthBytes: fresh.length,
  });
  const pieces: Uint8Array[] = [];
  for (const chunk of head.chunks) {
    const packed = bytes.subarray(chunk.packedOffset, chunk.packedOffset + chunk.packedLength);
    const range = (old ?? new Uint8Array()).subarray(chunk.oldOffset, chunk.oldOffset + chunk.oldLength);
    pieces.push(unpackChunk(chunk, packed, range));
  }
  expect(digestOf(Buffer.concat(pieces))).toBe(digestOf(fresh));
  return made.deltaBytes;
}

describe("a delta", () => {
  it("gives back any bytes, from any others", async () => {
    const bytes = fc.uint8Array({ minLength: 1_024, maxLength: 20_000 });
    const edited = fc.tuple(bytes, fc.nat(), fc.uint8Array({ maxLength: 500 })).map(([old, at, piece]) => {
      const place = at % old.length;
      return [old, new Uint8Array(Buffer.concat([old.subarray(0, place), piece, old.subarray(place)]))] as const;
    });
    const any = fc.tuple(fc.option(bytes, { nil: undefined }), bytes);
    await fc.assert(
      fc.asyncProperty(fc.oneof(edited, any), async ([old, fresh]) => void (await throughDelta(old, fresh))),
      {
        numRuns: process.env["MOULT_DEEP"] === "1" ? 1_000 : 40,
      },
    );
  });

  it("is a hundredth of a part that changed in one place", async () => {
    const old = noise(300_000, 1);
    const fresh = old.slice();
    fresh[150_000] = 255 - (fresh[150_000] ?? 0);
    expect(await throughDelta(old, fresh)).toBeLessThan(3_000);
  });

  it("finds what moved in a part of many chunks, whether at its start or at its end", async () => {
    const old = noise(4.5 * CHUNK_BYTES, 2);
    const more = noise(2 * CHUNK_BYTES, 3);
    for (const fresh of [Buffer.concat([more, old]), Buffer.concat([old, more])]) {
      const deltaBytes = await throughDelta(old, fresh);
      // What is new cannot be had for less than it is; the rest is.
      expect(deltaBytes).toBeLessThan(more.length * 1.05);
    }
  });

  it("is not made where it would save nothing", async () => {
    expect(await throughDelta(undefined, noise(5_000, 4))).toBeUndefined();
    expect(await throughDelta(undefined, new Uint8Array(1_023))).toBeUndefined();
  });

  it("does without old bytes that zstd takes for something else", async () => {
    const old = new Uint8Array(4_000).fill(1);
    old.set([0x37, 0xa4, 0x30, 0xec]);
    expect(await throughDelta(old, new Uint8Array(4_000).fill(2))).toBeLessThan(300);
    const chunk = { newOffset: 0, newLength: 9, oldOffset: 0, oldLength: 4_000, packedOffset: 0, packedLength: 9 };
    const packed = zstdCompressSync(new Uint8Array(9));
    expect(() => unpackChunk(chunk, packed, old)).toThrow(DeltaError);
  });
});

describe("a hostile chunk", () => {
  const chunk: DeltaChunk = {
    newOffset: 0,
    newLength: 1_000,
    oldOffset: 0,
    oldLength: 0,
    packedOffset: 0,
    packedLength: 100,
  };
  const codeOf = (packed: Uint8Array, more: Partial<DeltaChunk> = {}): unknown => {
    try {
      unpackChunk({ ...chunk, ...more }, packed, new Uint8Array());
      return "unpacked";
    } catch (error) {
      return error instanceof DeltaError ? error.code : error;
    }
  };

  it("that is a bomb makes no more bytes than it may", () => {
    const bomb = zstdCompressSync(new Uint8Array(512 * 1024 * 1024), { chunkSize: 1 << 20 });
    expect(bomb.length).toBeLessThan(100_000);
    const beforeBytes = process.memoryUsage().rss;
    expect(codeOf(bomb, { newLength: CHUNK_BYTES })).toBe("CHUNK_WRONG");
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(64 * 1024 * 1024);
  });

  it("that makes fewer or more bytes than the head says is refused", () => {
    expect(codeOf(zstdCompressSync(new Uint8Array(999)))).toBe("CHUNK_WRONG");
    expect(codeOf(zstdCompressSync(new Uint8Array(1_001)))).toBe("CHUNK_WRONG");
    expect(codeOf(zstdCompressSync(new Uint8Array(1_000)))).toBe("unpacked");
  });

  it("that wants a large window is refused before memory is taken for it", async () => {
    const stream = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 27 } });
    stream.end(new Uint8Array(1_000));
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece as Buffer);
    const frame = Buffer.concat(pieces);
    // A frame of unknown length has its window in the byte behind its descriptor: 2^(10 + exponent).
    const windowLog = 10 + ((frame[5] ?? 0) >> 3);
    expect(windowLog).toBe(27);
    expect(codeOf(frame)).toBe("CHUNK_WRONG");
  });

  it("of any bytes is refused and does no harm", () => {
    const good = zstdCompressSync(noise(1_000, 5));
    const bent = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const bytes = new Uint8Array(good);
      bytes[at] = (bytes[at] ?? 0) ^ by;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 2_000 }), bent), (bytes) => {
        expect(["CHUNK_WRONG", "unpacked"]).toContain(codeOf(bytes));
      }),
      { numRuns: process.env["MOULT_DEEP"] === "1" ? 20_000 : 400 },
    );
  });

  it("has no more old bytes than may be held", () => {
    expect(OLD_BYTES_MAX * 2 + CHUNK_BYTES * 3).toBeLessThan(20_000_000);
  });
});
