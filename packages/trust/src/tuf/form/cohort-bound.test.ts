import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type CohortBound, WHOLE_PPM, cohortPosition, cohortShare, withinCohort } from "./cohort-bound.ts";

const seed = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
const node = fc.string({ minLength: 1, maxLength: 64 });

const bound: fc.Arbitrary<CohortBound> = fc.record({
  seed,
  steps: fc
    .uniqueArray(fc.tuple(fc.nat(1_000_000), fc.nat(WHOLE_PPM)), { minLength: 1, maxLength: 8, selector: ([at]) => at })
    .map((pairs) => {
      const shares = pairs.map(([, share]) => share).sort((a, b) => a - b);
      const times = pairs.map(([at]) => at).sort((a, b) => a - b);
      return times.map((notBeforeMs, n) => ({ notBeforeMs, sharePpm: shares[n] ?? 0 }));
    }),
});

test("a position is what any language works out from the formula", () => {
  const mac = createHmac("sha256", Buffer.alloc(32, 1)).update("node-7").digest("hex");
  expect(cohortPosition("01".repeat(32), "node-7")).toBe(BigInt(`0x${mac.slice(0, 16)}`) / 2048n);
});

test("before the first step nobody moves, at the whole everybody", () => {
  fc.assert(
    fc.property(seed, node, (seed, id) => {
      const steps = [{ notBeforeMs: 1000, sharePpm: WHOLE_PPM }];
      expect(withinCohort({ seed, steps }, id, 999)).toBe(false);
      expect(withinCohort({ seed, steps }, id, 1000)).toBe(true);
      expect(withinCohort({ seed, steps: [{ notBeforeMs: 0, sharePpm: 0 }] }, id, 1000)).toBe(false);
    }),
  );
});

test("who may move once may move for ever: time only lets more in", () => {
  fc.assert(
    fc.property(bound, node, fc.nat(1_200_000), fc.nat(1_200_000), (bound, id, a, b) => {
      const [early, late] = a < b ? [a, b] : [b, a];
      expect(cohortShare(bound, early)).toBeLessThanOrEqual(cohortShare(bound, late));
      if (withinCohort(bound, id, early)) expect(withinCohort(bound, id, late)).toBe(true);
    }),
  );
});

test("the share that is inside is the share that was signed", () => {
  fc.assert(
    fc.property(seed, fc.integer({ min: 10_000, max: 990_000 }), (seed, sharePpm) => {
      const nodes = 2000;
      const steps = [{ notBeforeMs: 0, sharePpm }];
      const inside = Array.from({ length: nodes }, (_, n) => withinCohort({ seed, steps }, `node-${n}`, 0));
      const share = inside.filter(Boolean).length / nodes;
      const expected = sharePpm / WHOLE_PPM;
      // Six standard deviations of a fair draw: one false alarm in some 10^9.
      expect(Math.abs(share - expected)).toBeLessThan(6 * Math.sqrt((expected * (1 - expected)) / nodes));
    }),
    { numRuns: 20 },
  );
});
