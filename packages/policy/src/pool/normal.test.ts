/** The approximations are right where they are used. */
import { expect, test } from "vitest";
import { deviationsFor, skewed, tailBeyond } from "./normal.ts";

test.each([
  [0, 0.5],
  [1.6449, 0.05],
  [2.3263, 0.01],
  [3.0902, 0.001],
])("%f deviations leave a tail of %f", (z, tail) => {
  expect(tailBeyond(z)).toBeCloseTo(tail, 4);
  expect(deviationsFor(tail)).toBeCloseTo(z, 2);
});

test("skew only ever asks for more, and at most for twice", () => {
  expect(skewed(3, 0)).toBe(3);
  expect(skewed(3, 1)).toBeCloseTo(4.333, 2);
  expect(skewed(3, 50)).toBe(6);
  expect(skewed(3, -1)).toBe(3);
});
