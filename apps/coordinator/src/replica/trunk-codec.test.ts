import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { HandRequestSchema, HandResponseSchema } from "@moult/contracts/replica";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TrunkWriter, readAnswered, readHanded } from "./trunk-codec.ts";

const uint32 = fc.nat({ max: 0xffff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 });
const text = fc.string({ unit: "grapheme", maxLength: 150 });
const certificate = fc.oneof(fc.constant(undefined), fc.uint8Array({ minLength: 1, maxLength: 40 }));
const caller = fc.record({ authorization: text, peer: text, certificate });
const call = fc.record({
  id: uint32,
  path: text,
  method: uint32,
  callerNumber: uint32,
  caller: fc.option(caller, { nil: undefined }),
  request: bytes,
});
const part = fc.record({
  id: uint32,
  message: fc.option(bytes, { nil: undefined }),
  taken: uint32,
  ended: fc.boolean(),
  cancelled: fc.boolean(),
});
const answer = fc.record({ id: uint32, code: uint32, body: bytes, message: text });

/** The same bytes under the same class: Buffers are not equal to arrays. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each: unknown) =>
      each instanceof Uint8Array ? Buffer.from(each).toString("hex") : each,
    ),
  );
}

test("requests are written and read as the generated code does", () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 8 }), fc.array(part, { maxLength: 8 }), (calls, parts) => {
      const writer = new TrunkWriter();
      for (const each of calls) writer.call(each);
      for (const each of parts) writer.part(each);
      const ours = writer.finish();
      expect(writer.bytes).toBe(0);
      const read = fromBinary(HandRequestSchema, ours);
      expect(plain(readHanded(toBinary(HandRequestSchema, read)))).toEqual(plain({ calls, parts }));
      const theirs = create(HandRequestSchema, {
        calls: calls.map(({ caller: who, ...rest }) => ({
          ...rest,
          ...(who && {
            caller: {
              authorization: who.authorization,
              peer: who.peer,
              certificate: who.certificate ?? new Uint8Array(),
            },
          }),
        })),
        parts: parts.map(({ message, ...rest }) => ({ ...rest, ...(message && { message }) })),
      });
      expect(plain(read)).toEqual(plain(fromBinary(HandRequestSchema, toBinary(HandRequestSchema, theirs))));
    }),
  );
});

test("responses are written and read as the generated code does", () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 8 }), fc.array(part, { maxLength: 8 }), (answers, parts) => {
      const writer = new TrunkWriter();
      for (const each of answers) writer.answer(each);
      for (const each of parts) writer.part(each);
      const read = fromBinary(HandResponseSchema, writer.finish());
      expect(plain(readAnswered(toBinary(HandResponseSchema, read)))).toEqual(plain({ answers, parts }));
    }),
  );
});

test("fields that another version has are skipped, wherever they stand", () => {
  const writer = new BinaryWriter();
  writer.tag(90, WireType.LengthDelimited).string("of the whole");
  writer.tag(1, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Varint).uint32(7).tag(91, WireType.Varint).uint32(1);
  writer.tag(5, WireType.LengthDelimited).fork();
  writer.tag(92, WireType.Bit64).double(1).tag(2, WireType.LengthDelimited).string("p").join();
  writer.tag(6, WireType.LengthDelimited).bytes(Uint8Array.of(1)).join();
  const caller = { authorization: "", peer: "p", certificate: undefined };
  const read = { id: 7, path: "", method: 0, callerNumber: 0, caller, request: Uint8Array.of(1) };
  expect(readHanded(writer.finish())).toEqual({ calls: [read], parts: [] });
});

test("bytes that are none of it are refused, and never read past their end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      for (const read of [readHanded, readAnswered]) {
        try {
          read(any);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }
    }),
  );
  // A call that says it is longer than the message, and a field that is longer than its call.
  expect(() => readHanded(Uint8Array.of(10, 5, 8, 1))).toThrow(RangeError);
  expect(() => readHanded(Uint8Array.of(10, 2, 50, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0))).toThrow(RangeError);
});
