import fc from "fast-check";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { Budget } from "./budget.ts";
import { parseTimeoutMs } from "./deadline.ts";
import { TokenBucket } from "./flood.ts";
import { type Frame, FrameReader, frameOf } from "./framing.ts";
import { HeaderMetadata, isGrpc } from "./metadata.ts";
import { encodeMessage, trailersOf } from "./trailers.ts";

const LIMIT = 1_000;

/** What a reader gives for pieces; its error where it throws one. */
function readAll(pieces: readonly Buffer[], budget = new Budget(LIMIT)): { frames: Frame[]; error: unknown } {
  const frames: Frame[] = [];
  const reader = new FrameReader(LIMIT, budget);
  try {
    for (const piece of pieces) reader.push(piece, { onFrame: (frame) => void frames.push(frame) });
    return { frames, error: undefined };
  } catch (error) {
    return { frames, error };
  } finally {
    reader.close();
  }
}

/** Bytes in pieces whose lengths are given; the last is what is left. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at = Math.min(bytes.length, at + length);
  }
  return [...pieces, bytes.subarray(at)];
}

describe("frames", () => {
  test("come whole, in order, however the connection cuts them, and give all room back", () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 });
    const lengths = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(messages, lengths, (sent, cuts) => {
        const budget = new Budget(LIMIT);
        const { frames, error } = readAll(cut(Buffer.concat(sent.map(frameOf)), cuts), budget);
        expect(error).toBeUndefined();
        expect(frames.map(({ bytes }) => [...bytes])).toEqual(sent.map((message) => [...message]));
        expect(budget.takenBytes).toBe(0);
      }),
    );
  });

  test("of a message that is too long only the prefix is taken", () => {
    const prefix = Buffer.from([0, 0, 0, 0x03, 0xe9]);
    expect(readAll([prefix]).error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    for (const at of [1, 2, 3, 4]) {
      expect(readAll(cut(prefix, [at])).error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    }
    expect(readAll([Buffer.from([0, 0xff, 0xff, 0xff, 0xff])]).error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
    expect(readAll([Buffer.from([0, 0, 0, 0x03, 0xe8])]).error).toBeUndefined();
  });

  test("what others hold is not there to take, and comes back when they are done", () => {
    const budget = new Budget(150);
    const begun = frameOf(Buffer.alloc(100)).subarray(0, 50);
    const [one, two] = [new FrameReader(LIMIT, budget), new FrameReader(LIMIT, budget)];
    const sink = { onFrame: () => undefined };
    one.push(begun, sink);
    expect(budget.takenBytes).toBe(100);
    expect(() => two.push(begun, sink)).toThrow(expect.objectContaining({ code: status.RESOURCE_EXHAUSTED }));
    one.close();
    one.close();
    expect(budget.takenBytes).toBe(0);
    new FrameReader(LIMIT, budget).push(begun, sink);
  });

  test("a first byte that is neither 0 nor 1 is no frame", () => {
    expect(readAll([Buffer.from([2, 0, 0, 0, 0])]).error).toMatchObject({ code: status.INTERNAL });
    expect(readAll([Buffer.from([1, 0, 0, 0, 0])]).frames).toMatchObject([{ isCompressed: true }]);
  });
});

test("a part's bytes count in the whole, and a refusal takes nothing", () => {
  const whole = new Budget(100);
  const [left, right] = [new Budget(80, whole), new Budget(80, whole)];
  expect([left.take(80), right.take(30), right.take(20), left.take(1)]).toEqual([true, false, true, false]);
  expect([left.takenBytes, right.takenBytes, whole.takenBytes]).toEqual([80, 20, 100]);
  left.give(80);
  expect(whole.takenBytes).toBe(20);
});

test.each([
  ["0n", 0],
  ["5m", 5],
  ["1S", 1_000],
  ["2M", 120_000],
  ["1H", 3_600_000],
  ["500u", 0.5],
  ["99999999m", 99_999_999],
  ["99999999H", Number.POSITIVE_INFINITY],
])("the timeout %s is %d ms", (text, ms) => expect(parseTimeoutMs(text)).toBe(ms));

test.each(["", "m", "5", "123456789m", "-1S", "1.5S", "1 S", " 1S", "1s", "0x1S", "1S\n", "1S,2S", "١S"])(
  "%j is no timeout",
  (text) => expect(parseTimeoutMs(text)).toBeUndefined(),
);

test("words of an error are printable ASCII on the wire, and those that were said when they are read", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 50 }), (text) => {
      const encoded = encodeMessage(text);
      expect(encoded).toMatch(/^[\x20-\x7e]*$/);
      expect(decodeURIComponent(encoded)).toBe(text.toWellFormed());
    }),
  );
  expect(encodeMessage("a\ud800b")).toBe("a%EF%BF%BDb");
});

test("an error whose words are endless still ends the call with its code, within what clients take of headers", () => {
  const trailers = trailersOf(new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "ü".repeat(20_000)));
  expect(trailers["grpc-status"]).toBe("5");
  expect(trailers["grpc-status-details-bin"]).toBeUndefined();
  expect(JSON.stringify(trailers).length).toBeLessThan(8_192);
});

test("metadata is read by name; bytes and HTTP's own headers are not text of a caller", () => {
  const metadata = new HeaderMetadata({ authorization: "Bearer x", ":path": "/", "a-bin": "AA", "set-cookie": ["a"] });
  const read = ["authorization", ":path", "a-bin", "set-cookie", "none"].map((name) => metadata.get(name));
  expect(read).toEqual(["Bearer x", undefined, undefined, undefined, undefined]);
});

test.each([
  ["application/grpc", true],
  ["application/grpc+proto", true],
  ["application/grpc; charset=utf-8", true],
  ["Application/GRPC", true],
  ["application/grpc+json", false],
  ["application/grpc-web", false],
  ["application/grpcx", false],
  ["text/plain", false],
  ["", false],
  [undefined, false],
])("the content type %s is gRPC's: %s", (type, is) => expect(isGrpc(type)).toBe(is));

test("who is busy for ever is let be, who floods is not", () => {
  const steady = new TokenBucket(10, 5, 0);
  for (let atMs = 0; atMs < 60_000; atMs += 200) expect(steady.take(atMs)).toBe(true);
  const flooding = new TokenBucket(10, 5, 0);
  const taken = Array.from({ length: 100 }, (_, n) => flooding.take(n)).filter(Boolean);
  expect(taken).toHaveLength(10);
  expect(flooding.take(1_000)).toBe(true);
});
