/** The observer's arithmetic, and the floor. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Floor } from "../measure/floor.ts";
import { median } from "../measure/median.ts";
import { FleetSight } from "./fleet-sight.ts";
import { type Answer, Sight } from "./sight.ts";

function answer(phase: string, version = "1.0.0"): Answer {
  return { phase, version, capacityRps: 20, message: "" };
}

describe("Sight", () => {
  it("does not call a node away before it has served", () => {
    const sight = new Sight();
    sight.see(0, undefined);
    sight.see(100, answer("STARTING"));
    expect(sight.away).toBe(false);
    sight.see(200, answer("SERVING"));
    expect(sight.serving).toBe(true);
    expect(sight.absencesMs).toEqual([]);
  });

  it("measures an absence from the last time it served to the next, draining included", () => {
    const sight = new Sight();
    sight.see(1000, answer("SERVING"));
    sight.see(1100, answer("DRAINING"));
    expect(sight.away).toBe(true);
    sight.see(1700, undefined);
    sight.see(2400, answer("SERVING", "2.0.0"));
    expect(sight.absencesMs).toEqual([1400]);
    expect([...sight.versionsSeen]).toEqual(["1.0.0", "2.0.0"]);
  });

  it("remembers a version that only ever failed", () => {
    const sight = new Sight();
    sight.see(0, answer("SERVING", "2.0.0"));
    sight.see(100, answer("FAILED", "3.0.0"));
    sight.see(200, answer("SERVING", "2.0.0"));
    expect(sight.versionsSeen.has("3.0.0")).toBe(true);
    expect(sight.last?.version).toBe("2.0.0");
  });
});

describe("FleetSight", () => {
  it("counts the capacity of those that serve, and the most away at once", () => {
    const fleet = new FleetSight(["a", "b", "c"]);
    for (const box of ["a", "b", "c"]) fleet.see(box, 0, answer("SERVING"));
    expect(fleet.seen()).toMatchObject({ servingCapacityRps: 60, awayAtOnceMax: 0 });
    fleet.see("a", 100, undefined);
    fleet.see("b", 100, answer("DRAINING"));
    expect(fleet.seen()).toMatchObject({ servingCapacityRps: 20, awayAtOnceMax: 2 });
    fleet.see("a", 200, answer("SERVING", "2.0.0"));
    fleet.see("b", 300, answer("SERVING", "2.0.0"));
    expect(fleet.seen()).toMatchObject({ servingCapacityRps: 60, awayAtOnceMax: 2, absencesMs: [200, 300] });
    fleet.begin();
    expect(fleet.seen()).toMatchObject({ servingCapacityRps: 60, awayAtOnceMax: 0, absencesMs: [] });
  });
});

describe("Floor", () => {
  it("has not held where nobody looked", () => {
    expect(new Floor().figures().held).toBe(false);
  });

  it("holds exactly as long as capacity never falls below demand", () => {
    const looks = fc.array(fc.record({ capacity: fc.nat(300), offered: fc.nat(300) }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(looks, (samples) => {
        const floor = new Floor();
        for (const { capacity, offered } of samples) floor.sample(capacity, offered);
        expect(floor.figures().held).toBe(samples.every(({ capacity, offered }) => capacity >= offered));
      }),
    );
  });
});

describe("median", () => {
  it("is the middle, or the mean of the middle two", () => {
    expect(median([])).toBe(0);
    expect(median([5])).toBe(5);
    expect(median([9, 1, 5])).toBe(5);
    expect(median([1, 9, 5, 7])).toBe(6);
  });
});
