import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Moment,
  TIME_MAX_MS,
  type TimeFloor,
  type TimeRules,
  beginTime,
  readTimeFloor,
  stepTime,
  timeAt,
} from "./time-floor.ts";

const DAY_MS = 86_400_000;
const BUILT_MS = Date.UTC(2026, 0, 1);
const RULES: TimeRules = { boundMs: Date.UTC(2046, 0, 1), stepMaxMs: 30 * DAY_MS, stepGapMs: DAY_MS };
const at = (monotonicMs: number, bootId = "boot-1"): Moment => ({ bootId, monotonicMs });
const fresh = (): TimeFloor => beginTime(undefined, BUILT_MS, at(0), RULES);
const signed = (state: TimeFloor, timeMs: number, now: Moment): TimeFloor =>
  stepTime(state, { kind: "SIGNED", timeMs }, now, RULES);

describe("the time floor", () => {
  it("begins at the build time and runs with the monotonic clock", () => {
    expect(timeAt(fresh(), at(0))).toBe(BUILT_MS);
    expect(timeAt(fresh(), at(5_000))).toBe(BUILT_MS + 5_000);
  });

  it("keeps what it had reached over a reboot, and counts no time it did not see", () => {
    const kept = beginTime(fresh(), BUILT_MS, at(7_000), RULES);
    expect(timeAt(kept, at(3, "boot-2"))).toBe(BUILT_MS + 7_000);
    const next = beginTime(kept, BUILT_MS, at(1_000, "boot-2"), RULES);
    expect(timeAt(next, at(1_500, "boot-2"))).toBe(BUILT_MS + 7_500);
  });

  it("is lifted by a later build, within the bound", () => {
    expect(beginTime(fresh(), BUILT_MS + DAY_MS, at(0), RULES).floorMs).toBe(BUILT_MS + DAY_MS);
    expect(beginTime(undefined, Date.UTC(2099, 0, 1), at(0), RULES).floorMs).toBe(RULES.boundMs);
  });

  it("catches two years up in steps of a month a day", () => {
    let state = fresh();
    const aimMs = BUILT_MS + 730 * DAY_MS;
    let days = 0;
    for (; timeAt(state, at(days * DAY_MS)) < aimMs && days < 100; days += 1) {
      state = signed(state, aimMs, at(days * DAY_MS));
    }
    expect(days).toBeLessThanOrEqual(30);
    expect(timeAt(state, at(days * DAY_MS)) - aimMs).toBeLessThanOrEqual(DAY_MS);
  });

  it("is not poisoned by one far-future signature, however often it is shown", () => {
    let state = fresh();
    for (let show = 0; show < 1_000; show += 1) state = signed(state, TIME_MAX_MS, at(show));
    expect(timeAt(state, at(1_000))).toBeLessThanOrEqual(BUILT_MS + RULES.stepMaxMs + 1_000);
  });

  it("is not lifted past the root's expiry by any signature, only by what is lived through", () => {
    const rules = { ...RULES, boundMs: BUILT_MS + 10 * DAY_MS };
    const event = { kind: "SIGNED", timeMs: TIME_MAX_MS } as const;
    const lifted = stepTime(fresh(), event, at(0), rules);
    expect(timeAt(lifted, at(0))).toBe(rules.boundMs);
    const later = at(40 * DAY_MS);
    expect(timeAt(stepTime(lifted, event, later, rules), later)).toBe(rules.boundMs + 40 * DAY_MS);
  });

  it("is set back by the root alone, once a counter", () => {
    const poisoned = signed(fresh(), TIME_MAX_MS, at(0));
    const reset = { kind: "ROOT_RESET", counter: 1, timeMs: BUILT_MS } as const;
    const healed = stepTime(poisoned, reset, at(10), RULES);
    expect(timeAt(healed, at(10))).toBe(BUILT_MS);
    expect(timeAt(beginTime(healed, BUILT_MS + DAY_MS, at(10), RULES), at(10))).toBe(BUILT_MS);
    const later = stepTime(healed, { ...reset, timeMs: 0 }, at(20), RULES);
    expect(timeAt(later, at(20))).toBe(BUILT_MS + 10);
  });

  it("never falls, never passes the bound by a signature, and takes one step a gap, whatever comes", () => {
    const event = fc.record({
      waitMs: fc.integer({ min: 0, max: 3 * DAY_MS }),
      timeMs: fc.oneof(fc.integer({ min: -1, max: TIME_MAX_MS }), fc.constant(Number.NaN), fc.constant(Infinity)),
      reboot: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let state = fresh();
        let now = at(0);
        let livedMs = 0;
        for (const { waitMs, timeMs, reboot } of events) {
          const before = timeAt(state, now);
          now = at(now.monotonicMs + waitMs, now.bootId);
          livedMs += waitMs;
          if (reboot) {
            state = beginTime(state, BUILT_MS, now, RULES);
            now = at(0, `${now.bootId}+`);
          }
          const passed = timeAt(state, now);
          expect(passed).toBeGreaterThanOrEqual(before);
          state = signed(state, timeMs, now);
          const stepMs = timeAt(state, now) - passed;
          expect(stepMs).toBeGreaterThanOrEqual(0);
          expect(stepMs).toBeLessThanOrEqual(RULES.stepMaxMs);
          if (stepMs > 0) expect(timeAt(state, now)).toBeLessThanOrEqual(RULES.boundMs);
          const steps = Math.floor(livedMs / RULES.stepGapMs) + 1;
          expect(timeAt(state, now)).toBeLessThanOrEqual(BUILT_MS + livedMs + steps * RULES.stepMaxMs);
        }
      }),
    );
  });

  it("reads back what it wrote, and nothing that makes no sense", () => {
    const state = signed(fresh(), BUILT_MS + DAY_MS, at(5));
    expect(readTimeFloor(JSON.parse(JSON.stringify(state)))).toEqual(state);
    for (const bad of [
      undefined,
      null,
      7,
      {},
      { ...state, floorMs: -1 },
      { ...state, floorMs: "x" },
      { ...state, atMs: null },
    ]) {
      expect(readTimeFloor(bad)).toBeUndefined();
    }
  });
});
