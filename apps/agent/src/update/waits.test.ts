import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TUNABLES } from "./testing/story.ts";
import { firstWake, nextWake, retryAt, setbackEnd, wakeAfterStay } from "./waits.ts";

const at = (roll: number, nowMs = 0): Parameters<typeof nextWake>[0] => ({
  nowMs,
  roll,
  freshId: "",
  tunables: TUNABLES,
});
const roll = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("waits", () => {
  it("stay within what was said, for every roll", () => {
    fc.assert(
      fc.property(roll, fc.nat(2 ** 32), fc.nat(1_000), (chance, retryAfterMs, attempts) => {
        expect(firstWake(at(chance))).toBeLessThanOrEqual(TUNABLES.firstAskWithinMs);
        expect(nextWake(at(chance))).toBeLessThanOrEqual(1.5 * TUNABLES.wakeIntervalMs);
        const wait = wakeAfterStay(at(chance), retryAfterMs);
        if (retryAfterMs > 0) expect(wait).toBeGreaterThanOrEqual(Math.min(retryAfterMs, 86_400_000));
        expect(wait).toBeLessThanOrEqual(Math.max(86_400_000, 1.5 * TUNABLES.wakeIntervalMs));
        expect(retryAt(at(chance), attempts)).toBeLessThanOrEqual(TUNABLES.reconnectMaxMs);
        expect(setbackEnd(at(chance), attempts + 1)).toBeLessThanOrEqual(TUNABLES.failureBackoffMaxMs);
      }),
    );
  });

  it("leave the arrivals after a mass restart flat", () => {
    const devices = 10_000;
    const bins = 20;
    const counts = Array.from({ length: bins }, () => 0);
    let state = 12_345;
    for (let device = 0; device < devices; device += 1) {
      // A small generator of the test's own, so that the figure is the same each time.
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const bin = Math.floor((firstWake(at(state / 2 ** 32)) / TUNABLES.firstAskWithinMs) * bins);
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    const expected = devices / bins;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 19 degrees of freedom: p = 0.001 at 43.8.
    expect(chiSquare).toBeLessThanOrEqual(43.8);
  });
});
