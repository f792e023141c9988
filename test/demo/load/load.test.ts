/** The load generator's arithmetic. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FailureSpans } from "./failure-spans.ts";
import { Latencies } from "./latencies.ts";
import { Schedule } from "./schedule.ts";
import { type Ending, Tally } from "./tally.ts";

const well: Ending = { ok: true, reason: "", node: "a", version: "1.0.0" };
const badly: Ending = { ok: false, reason: "503", node: undefined, version: undefined };

describe("Schedule", () => {
  it("gives the same arrivals for the same seed, and others for another", () => {
    const gaps = (seed: number): number[] => {
      const schedule = new Schedule(seed);
      return Array.from({ length: 20 }, () => schedule.gapMs(100));
    };
    expect(gaps(7)).toEqual(gaps(7));
    expect(gaps(7)).not.toEqual(gaps(8));
  });

  it("keeps to the rate, whatever the seed", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 500 }), (seed, rate) => {
        const schedule = new Schedule(seed);
        let total = 0;
        for (let i = 0; i < 2000; i += 1) total += schedule.gapMs(rate);
        expect(total).toBeGreaterThan((0.95 * 2_000_000) / rate);
        expect(total).toBeLessThan((1.05 * 2_000_000) / rate);
      }),
      { numRuns: 50 },
    );
  });
});

describe("FailureSpans", () => {
  it("is nothing while all goes well", () => {
    const spans = new FailureSpans();
    spans.settle(0, 0, true);
    spans.settle(1, 500, true);
    expect(spans.longestMs).toBe(0);
  });

  it("reaches from the first failure to the next success, in the order of sending", () => {
    const spans = new FailureSpans();
    // Sent at 0, 100, 200, 300; answered in another order; only the middle two failed.
    spans.settle(3, 300, true);
    spans.settle(1, 100, false);
    expect(spans.longestMs).toBe(0);
    spans.settle(0, 0, true);
    spans.settle(2, 200, false);
    expect(spans.longestMs).toBe(200);
  });

  it("grows while nothing goes well", () => {
    const spans = new FailureSpans();
    spans.settle(0, 1000, false);
    spans.settle(1, 4000, false);
    expect(spans.longestMs).toBe(3000);
  });

  it("does not depend on the order of the answers", () => {
    const sent = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(sent, fc.infiniteStream(fc.nat(1000)), (outcomes, draws) => {
        const inOrder = new FailureSpans();
        outcomes.forEach((ok, seq) => inOrder.settle(seq, seq * 10, ok));
        const shuffled = outcomes.map((ok, seq) => ({ ok, seq, key: draws.next().value ?? 0 }));
        shuffled.sort((a, b) => a.key - b.key);
        const anyOrder = new FailureSpans();
        for (const { ok, seq } of shuffled) anyOrder.settle(seq, seq * 10, ok);
        expect(anyOrder.longestMs).toBe(inOrder.longestMs);
      }),
    );
  });
});

describe("Latencies", () => {
  it("tells quantiles to the millisecond", () => {
    const latencies = new Latencies();
    expect(latencies.quantileMs(0.5)).toBe(0);
    for (let ms = 1; ms <= 100; ms += 1) latencies.record(ms);
    expect(latencies.quantileMs(0.5)).toBe(50);
    expect(latencies.quantileMs(0.99)).toBe(99);
  });
});

describe("Tally", () => {
  it("counts each request once, by how it ended", () => {
    const tally = new Tally();
    const [first, second, third] = [tally.send(0), tally.send(100), tally.send(200)];
    tally.settle(first, 0, 40, well);
    tally.settle(second, 100, 160, badly);
    expect(tally.figures(250)).toMatchObject({ total: 2, failed: 1, inFlight: 1, failuresByReason: { "503": 1 } });
    tally.settle(third, 200, 240, well);
    const figures = tally.figures(900);
    expect(figures).toMatchObject({ total: 3, failed: 1, inFlight: 0, longestFailureMs: 100, latencyP50Ms: 40 });
    expect(figures.answeredByVersion).toEqual({ "1.0.0": 2 });
    expect(figures.longestFailureByNodeMs).toEqual({ a: 0 });
  });
});
