/** Life tables: what is assumed, what is learned, and that nobody counts on a node that overstays. */
import { describe, expect, test } from "vitest";
import { Absences } from "./absence.ts";

describe("absences", () => {
  test("are at first as an operator predicted, with one in a hundred that never ends", () => {
    const curve = new Absences(20 * 60_000).curve("d", "m");
    expect(curve.survival(0)).toBe(1);
    expect(curve.survival(20)).toBeCloseTo(0.11, 1);
    expect(curve.survival(90)).toBeCloseTo(0.01, 2);
  });

  test("are learned from those that ended", () => {
    const curve = new Absences(20 * 60_000).curve("d", "m");
    for (let node = 0; node < 500; node += 1) {
      curve.left(node);
      curve.ended(node, node + 3, true);
    }
    curve.refresh(600);
    expect(curve.survival(2)).toBeGreaterThan(0.9);
    expect(curve.survival(5)).toBeLessThan(0.05);
  });

  test("that go on count too: the table flattens for those that overstay", () => {
    const curve = new Absences(5 * 60_000).curve("d", "m");
    for (let node = 0; node < 50; node += 1) curve.left(0);
    curve.refresh(30);
    const stillAfter30 = curve.survival(40) / curve.survival(30);
    expect(curve.survival(30)).toBeGreaterThan(0.5);
    expect(stillAfter30).toBeGreaterThan(0.9);
  });

  test("of a new build start from what its model's last one was like, not from another model's", () => {
    const absences = new Absences(30 * 60_000);
    const old = absences.curve("old", "m");
    for (let node = 0; node < 500; node += 1) {
      old.left(node);
      old.ended(node, node + 1, true);
    }
    old.refresh(600);
    expect(absences.curve("new", "m").survival(5)).toBeLessThan(0.1);
    expect(absences.curve("new", "other").survival(5)).toBe(1);
  });
});
