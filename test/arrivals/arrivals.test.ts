import { describe, expect, it } from "vitest";
import { chiSquareSurvival, histogram, uniformP } from "./chi-square.ts";
import { SCENARIOS, rollOf, streamPeakPerS } from "./scenarios.ts";

const DEEP = process.env["MOULT_DEEP"] === "1";
const SEEDS = DEEP ? 100 : 5;
const AGENTS = DEEP ? 10_000 : 4_000;

describe("the measure", () => {
  it("knows the tables of χ² (Abramowitz and Stegun, table 26.8)", () => {
    expect(chiSquareSurvival(3.841_459, 1)).toBeCloseTo(0.05, 6);
    expect(chiSquareSurvival(30.143_5, 19)).toBeCloseTo(0.05, 5);
    expect(chiSquareSurvival(43.820_2, 19)).toBeCloseTo(0.001, 6);
    expect(chiSquareSurvival(148.230_4, 99)).toBeCloseTo(0.001, 5);
    expect(chiSquareSurvival(11.650_9, 19)).toBeCloseTo(0.9, 5);
    expect(chiSquareSurvival(0, 5)).toBe(1);
  });

  it("finds what is not uniform, however slight it looks", () => {
    const roll = rollOf(1);
    const bent = Array.from({ length: 10_000 }, () => Math.max(roll() * 0.9, roll() * 0.4));
    expect(uniformP(histogram(bent, 1, 100))).toBeLessThan(1e-6);
    // One device in thirty comes in the first two hundredths.
    const eager = Array.from({ length: 10_000 }, (_, n) => (n % 30 === 0 ? roll() * 0.02 : roll()));
    expect(uniformP(histogram(eager, 1, 100))).toBeLessThan(1e-6);
  });
});

describe("arrivals are uniform", () => {
  it.each(Object.keys(SCENARIOS))("%s", { timeout: 600_000 }, (name) => {
    const play = SCENARIOS[name];
    const ps = Array.from({ length: SEEDS }, (_, seed) => play?.(AGENTS, rollOf(seed + 1)) ?? 0);
    const bad = ps.map((p, seed) => ({ seed: seed + 1, p })).filter(({ p }) => !(p > 0.001));
    expect(bad.length, JSON.stringify(bad)).toBeLessThanOrEqual(SEEDS / 100);
  });

  it("and streams come back over minutes, not at once", () => {
    // 10,000 over a window of 30 s are 333 a second; half as many again is chance and those who tried before.
    expect(streamPeakPerS(10_000, 2_000, rollOf(1))).toBeLessThan(500);
    expect(streamPeakPerS(10_000, 60_000, rollOf(1))).toBeLessThan(500);
  });
});
