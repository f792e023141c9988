/** The rule of who is refused: what must hold of any load, shown to fail on rules that lack it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Load, RANKS, type Shed, isShed, retryAfterMs, shedNext } from "./shedding.ts";

const load = fc.record({
  waiting: fc.integer({ min: 0, max: 40_000 }),
  standing: fc.integer({ min: 0, max: 40_000 }),
  oldestWaitMs: fc.integer({ min: 0, max: 16_000 }),
  lateMs: fc.integer({ min: 0, max: 8_000 }),
});

/** Of all ranks the most that may wait, and the longest. */
const MOST: Load = { waiting: 20_000, standing: 20_000, oldestWaitMs: 9_000, lateMs: 4_000 };

const NOTHING: Load = { waiting: 0, standing: 0, oldestWaitMs: 0, lateMs: 0 };

/** Plays a row of loads; says what did not hold, if anything. */
function fault(rule: typeof shedNext, loads: readonly Load[]): string | undefined {
  let shed: Shed = 0;
  for (const next of loads) {
    const before = shed;
    shed = rule(shed, next);
    const refused = RANKS.map((rank) => isShed(shed, rank));
    if (refused.some((each, at) => at > 0 && each && refused[at - 1] !== true)) return "a later rank before an earlier";
    const over = (Object.keys(MOST) as (keyof Load)[]).some((key) => next[key] >= MOST[key]);
    if (over && shed !== 4) return "the queue has no end";
    if (next.waiting + next.standing + next.oldestWaitMs + next.lateMs === 0 && shed !== 0)
      return "refuses though nothing waits";
    if (rule(shed, NOTHING) > 0) return "never lets in again";
    if (rule(shed, next) !== shed) return "flickers under the same load";
    // What is more of everything refuses no less.
    const worse = {
      waiting: next.waiting + 1,
      standing: next.standing + 1,
      oldestWaitMs: next.oldestWaitMs + 1,
      lateMs: next.lateMs + 1,
    };
    if (rule(before, worse) < shed) return "refuses less under more load";
  }
  return undefined;
}

const holds = (rule: typeof shedNext): void =>
  fc.assert(
    fc.property(fc.array(load, { maxLength: 20 }), (loads) => {
      expect(fault(rule, loads)).toBeUndefined();
    }),
    { numRuns: 500 },
  );

test("pulses are refused before asks, asks before leaves, steps last, and the queue has an end", () => {
  holds(shedNext);
});

test("a rule without an end of the queue, and one that forgets to let in again, are found out", () => {
  expect(() => holds((shed, next) => Math.min(3, shedNext(shed, next)) as Shed)).toThrow();
  expect(() => holds((shed, next) => Math.max(shed, shedNext(shed, next)) as Shed)).toThrow();
  expect(() => holds((_, next) => shedNext(0, { ...next, waiting: 0 }))).toThrow();
});

test("each rank has its turn as the oldest waits longer", () => {
  const at = (oldestWaitMs: number): Shed => shedNext(0, { ...NOTHING, waiting: 1, oldestWaitMs });
  expect([2_999, 3_000, 5_000, 7_000, 9_000].map(at)).toEqual([0, 1, 2, 3, 4]);
});

test("a refused rank comes back in only some way below its limit", () => {
  const queue = (shed: Shed, standing: number): Shed => shedNext(shed, { ...NOTHING, standing });
  expect([queue(0, 350), queue(1, 350), queue(1, 250)]).toEqual([0, 1, 0]);
});

test("refused callers are told times that lie apart, sooner for what matters more", () => {
  for (const [at, rank] of RANKS.entries()) {
    const [soonest, latest] = [retryAfterMs(rank, 0), retryAfterMs(rank, 0.999_999)];
    expect(soonest).toBeGreaterThan(0);
    expect(latest).toBeGreaterThan(2 * soonest);
    const next = RANKS[at + 1];
    if (next !== undefined) expect(retryAfterMs(next, 0.5)).toBeLessThan(retryAfterMs(rank, 0.5));
  }
});
