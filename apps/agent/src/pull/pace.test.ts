/** The bucket: no window of time sees more than its share, whatever went before. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Clock } from "../ports.ts";
import { createPace } from "./pace.ts";

it("lets no more through in any window than the rate and one burst", async () => {
  const step = fc.record({ bytes: fc.integer({ min: 1, max: 65_536 }), idleMs: fc.integer({ min: 0, max: 5_000 }) });
  const rates = fc.integer({ min: 1_000, max: 10_000_000 });
  await fc.assert(
    fc.asyncProperty(rates, fc.array(step, { maxLength: 60 }), async (rate, steps) => {
      let nowMs = 0;
      const clock: Clock = { nowMs: () => nowMs, wait: async (waitMs) => void (nowMs += waitMs) };
      const pace = createPace(rate, clock);
      const came: { readonly atMs: number; readonly bytes: number }[] = [];
      for (const { bytes, idleMs } of steps) {
        nowMs += idleMs;
        came.push({ atMs: nowMs, bytes });
        await pace.spend(bytes, new AbortController().signal);
      }
      for (const [from, first] of came.entries()) {
        let sum = 0;
        for (const { atMs, bytes } of came.slice(from)) {
          sum += bytes;
          // One piece has come before it can be held against the rate.
          const allowed = ((atMs - first.atMs) / 1000) * rate + rate * 0.1 + 65_536;
          expect(sum).toBeLessThanOrEqual(allowed + 1);
        }
      }
    }),
    { numRuns: 200 },
  );
});

it("does not hold back where there is no limit", async () => {
  const clock: Clock = { nowMs: () => 0, wait: () => Promise.reject(new Error("waited")) };
  await createPace(0, clock).spend(1e12, new AbortController().signal);
});
