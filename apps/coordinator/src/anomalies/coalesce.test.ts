import fc from "fast-check";
import { expect, test } from "vitest";
import { Coalescer, type Told } from "./coalesce.ts";
import type { Finding } from "./kinds.ts";

const MINUTE_MS = 60_000;

function finding(subject: string): Finding {
  return { kind: "ASK_STORM", subject, nodeId: subject, poolId: "home", message: "asks" };
}

test("the first is told at once, the minute's rest as one, then at growing distances up to an hour", () => {
  const coalescer = new Coalescer();
  const told: [number, number][] = [];
  const note = (events: readonly Told[], atMs: number): void => {
    for (const { count } of events) told.push([atMs / MINUTE_MS, count]);
  };
  for (let atMs = 0; atMs < 300 * MINUTE_MS; atMs += MINUTE_MS / 2) {
    note(coalescer.due(atMs), atMs);
    note(coalescer.add(finding("n1"), atMs), atMs);
  }
  expect(told.map(([minute]) => minute)).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
  expect(told.slice(0, 3).map(([, count]) => count)).toEqual([1, 1, 4]);
});

test("nothing that was found is lost or told twice, and of one kind there are never many at once", () => {
  const step = fc.record({ gapMs: fc.nat(90_000), subject: fc.nat(200), times: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const coalescer = new Coalescer();
      const told: Told[] = [];
      let [now, given] = [0, 0];
      for (const { gapMs, subject, times } of steps) {
        now += gapMs;
        told.push(...coalescer.due(now));
        for (let nth = 0; nth < times; nth += 1) told.push(...coalescer.add(finding(`n${subject + nth}`), now));
        given += times;
      }
      for (let nth = 0; nth < 3; nth += 1) told.push(...coalescer.due((now += 3_600_000)));
      expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(given);
      for (const { count, firstAtMs, lastAtMs } of told) expect(count > 0 && firstAtMs <= lastAtMs).toBe(true);
      expect(coalescer.size).toBe(0);
    }),
  );
});

test("what is too much for a minute is told as one, and how much it was", () => {
  const coalescer = new Coalescer();
  const told = Array.from({ length: 1000 }, (_, nth) => coalescer.add(finding(`n${nth}`), 0)).flat();
  expect(told.length).toBe(61);
  expect(told.at(-1)).toMatchObject({ subject: "*", nodeId: "", count: 1 });
  expect(coalescer.due(MINUTE_MS)).toMatchObject([{ subject: "*", count: 939 }]);
});
