import * as fc from "fast-check";
import { expect, test } from "vitest";
import { JsonError, parseStrictJson } from "./strict-json.ts";

const BOUNDS = { depthMax: 20, valuesMax: 10_000 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const document = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => n + 0),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "binary" }), tie("value"), { maxKeys: 4 }),
  ),
})).value;

test("reads what the platform's own reader reads, whatever the spaces", () => {
  fc.assert(
    fc.property(document, fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      const text = JSON.stringify(value, undefined, space);
      expect(JSON.stringify(parseStrictJson(bytes(text), BOUNDS))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test.each([
  '{"a":1,"a":1}',
  String.raw`{"a":1,"\u0061":2}`,
  "1.0",
  "1e3",
  "01",
  "-0",
  "9007199254740992",
  "-9007199254740992",
  String.raw`"\ud800"`,
  String.raw`"\q"`,
  '"a\nb"',
  '"open',
  "[1,]",
  "{,}",
  '{"a"}',
  "{} {}",
  "",
  "nul",
  "NaN",
  "\ufeff{}",
  "// {}",
  `${"[".repeat(21)}${"]".repeat(21)}`,
  `[${"1,".repeat(10_000)}1]`,
])("refuses %s", (text) => {
  expect(() => parseStrictJson(bytes(text), BOUNDS)).toThrow(JsonError);
});

test("refuses bytes that are no UTF-8", () => {
  for (const wrong of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ]) {
    expect(() => parseStrictJson(new Uint8Array(wrong), BOUNDS)).toThrow(JsonError);
  }
});

test("an object holds what the document says and nothing else", () => {
  const object = parseStrictJson(bytes('{"__proto__":{"x":1},"constructor":2}'), BOUNDS) as Record<string, unknown>;
  expect(Object.keys(object)).toEqual(["__proto__", "constructor"]);
  expect(object["toString"]).toBeUndefined();
  expect((object as { x?: number }).x).toBeUndefined();
});
