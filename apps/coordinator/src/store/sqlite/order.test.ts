import fc from "fast-check";
import { expect, test } from "vitest";
import { type Value, apart, valuesOf } from "./writer.ts";

test("bytes that go apart come back where they stood, also those that are slices of something larger", () => {
  const bytes = fc.uint8Array({ maxLength: 20 }).map((whole) => whole.subarray(0, whole.length >> 1));
  const value: fc.Arbitrary<Value> = fc.oneof(fc.string(), fc.integer(), fc.constant(null), bytes);
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const order = structuredClone(apart({ statements: [0], values, ends: [values.length] }));
      expect(valuesOf(order)).toEqual(values);
    }),
  );
});
