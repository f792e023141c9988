import { expect, test } from "vitest";
import { Overloaded, Pressure } from "./pressure.ts";

const BEAT_MS = 250;

function made(): {
  readonly pressure: Pressure;
  readonly at: (now: number) => void;
  readonly wait: (moves: number, sinceMs?: number) => void;
  readonly warned: object[];
} {
  let now = 0;
  let queue: { moves: number; sinceMs: number | undefined } = { moves: 0, sinceMs: undefined };
  const warned: object[] = [];
  const log = { info: () => undefined, warn: (facts: object) => void warned.push(facts), error: () => undefined };
  const waiting = {
    get queue() {
      return queue;
    },
  };
  const pressure = new Pressure({ queue: waiting, clock: { now: () => now }, log, chance: () => 0, beatMs: BEAT_MS });
  return {
    pressure,
    at: (next) => void (now = next),
    wait: (moves, sinceMs) => void (queue = { moves, sinceMs }),
    warned,
  };
}

test("a process that is late once refuses nobody, one that is late for a second does", () => {
  const { pressure, at } = made();
  let now = 0;
  const beatLateBy = (lateMs: number): void => {
    now += BEAT_MS + lateMs;
    at(now);
    pressure.beat();
  };
  pressure.beat();
  beatLateBy(5_000);
  expect(pressure.refuses("PULSE")).toBe(false);
  for (let beat = 0; beat < 3; beat += 1) beatLateBy(1_200);
  expect([pressure.refuses("PULSE"), pressure.refuses("ASK"), pressure.refuses("LEAVE")]).toEqual([true, true, false]);
  beatLateBy(0);
  expect(pressure.refuses("PULSE")).toBe(false);
});

test("says when to come again, and writes one line for many that were refused", () => {
  const { pressure, at, wait, warned } = made();
  wait(1, 0);
  at(5_000);
  for (let call = 0; call < 100; call += 1) expect(() => pressure.admit("ASK")).toThrow(Overloaded);
  pressure.beat();
  pressure.beat();
  expect(warned).toEqual([expect.objectContaining({ ranks: ["PULSE", "ASK"], refused: { ASK: 100 } })]);
  pressure.admit("STEP");
  expect(() => pressure.admit("ASK")).toThrow(Overloaded);
  pressure.beat();
  expect(warned).toHaveLength(1);
  wait(0);
  pressure.admit("PULSE");
});

test("a burst is let in, a queue that does not drain for a second is not", () => {
  const { pressure, at, wait } = made();
  const beat = (nth: number, moves: number): void => {
    at(nth * BEAT_MS);
    wait(moves, nth * BEAT_MS);
    pressure.beat();
  };
  beat(0, 0);
  for (const nth of [1, 2, 3]) beat(nth, 700);
  expect(pressure.refuses("ASK")).toBe(false);
  beat(4, 700);
  expect([pressure.refuses("ASK"), pressure.refuses("LEAVE")]).toEqual([true, false]);
  wait(10, 4 * BEAT_MS);
  expect(pressure.refuses("PULSE")).toBe(false);
  // Those who were refused come back together.
  wait(700, 4 * BEAT_MS);
  expect(pressure.refuses("ASK")).toBe(true);
});

test("a clock that is set back makes nobody wait", () => {
  const { pressure, at, wait } = made();
  at(1_000_000);
  wait(1, 1_000_000);
  at(0);
  pressure.beat();
  expect(pressure.refuses("PULSE")).toBe(false);
});
