import { POOL_DEFAULTS, createLedger } from "@moult/policy";
import { expect, test } from "vitest";
import { Owner } from "../ledger/owner.ts";
import { Pressure } from "../ledger/pressure.ts";
import type { Store } from "../store/port.ts";
import { until } from "../testing/wait.ts";
import { Pulses } from "./pulses.ts";

let nowMs = 1;
const CLOCK = { now: () => nowMs };
const LOG = { info: () => undefined, warn: () => undefined, error: () => undefined };
const CONFIG = { pool: POOL_DEFAULTS, retry: { allowlistMs: 1, dialMs: 1, capacityMs: 1 } };

async function made(
  queue: { moves: number },
  onRefused?: () => void,
  commit: () => Promise<void> = async () => undefined,
): Promise<Pulses> {
  const store = { commit } as unknown as Store;
  const load = async () => createLedger(CONFIG, 1);
  const owner = new Owner({ store, clock: CLOCK, log: LOG, load, carryOut: () => false, reloadAfterMs: 1 });
  await owner.start();
  const waiting = {
    get queue() {
      return { moves: queue.moves, sinceMs: undefined };
    },
  };
  const told = onRefused === undefined ? {} : { onRefused };
  return new Pulses(
    owner,
    new Pressure({ queue: waiting, clock: CLOCK, log: LOG, chance: () => 0, beatMs: 1, ...told }),
  );
}

const NOTHING = { changes: [], effects: [] };
const HERE = { cameAtMs: 1, hasLeft: () => false };

test("what comes together is one move, and while pulses are refused the newest of each node is all that waits", async () => {
  const queue = { moves: 5_000 };
  let refused = 0;
  const pulses = await made(queue, () => void (refused += 1));
  const taken: string[] = [];
  for (let nth = 0; nth < 10_000; nth += 1) {
    const name = `${nth % 3} ${nth}`;
    pulses.put(`n${nth % 3}`, { ...HERE, takeIn: () => (taken.push(name), NOTHING), failed: () => undefined });
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toEqual([]);
  // Each but the last of each node, and it is said.
  expect(refused).toBe(9_997);
  queue.moves = 0;
  await until("they are taken in", () => taken.length > 0 || undefined);
  expect(taken.toSorted()).toEqual(["0 9999", "1 9997", "2 9998"]);
  pulses.put("n1", { ...HERE, takeIn: () => NOTHING, failed: () => undefined });
  pulses.put("n1", { ...HERE, takeIn: () => NOTHING, failed: () => undefined });
  expect(refused).toBe(9_997);
});

test("those that change rows wait for them, some hundred at a time; those that do not wait for nothing", async () => {
  const commits: (() => void)[] = [];
  const pulses = await made({ moves: 0 }, undefined, () => new Promise((resolve) => commits.push(resolve)));
  let taken = 0;
  const brake = { engaged: true, reason: "", updatedAtMs: 1 };
  const changing = { answer: undefined, changes: [{ kind: "brake" as const, brake }], effects: [] };
  const put = (name: string, step: typeof NOTHING | typeof changing): void =>
    pulses.put(name, { ...HERE, takeIn: () => ((taken += 1), step), failed: () => undefined });
  for (let n = 0; n < 1_200; n += 1) put(`a${n}`, changing);
  for (const sofar of [500, 1_000, 1_200]) {
    await until("the rows", () => commits.length > 0 || undefined);
    expect(taken).toBe(sofar);
    commits.pop()?.();
  }
  for (let n = 0; n < 1_200; n += 1) put(`b${n}`, NOTHING);
  await until("all of them", () => taken === 2_400 || undefined);
  expect(commits).toEqual([]);
});

test("one that is wrong is told so alone", async () => {
  const pulses = await made({ moves: 0 });
  const seen: string[] = [];
  const failed = (error: unknown): void => void seen.push(String(error));
  const wrong = (): never => {
    throw new RangeError("no");
  };
  pulses.put("a", { ...HERE, takeIn: () => (seen.push("a"), NOTHING), failed });
  pulses.put("b", { ...HERE, takeIn: wrong, failed });
  pulses.put("c", { ...HERE, takeIn: () => (seen.push("c"), NOTHING), failed });
  await until("all were looked at", () => seen.length === 3 || undefined);
  expect(seen).toEqual(["a", "RangeError: no", "c"]);
});

test("what was held back says nothing when it is let in: of a stream that has ended, or as old as no report may be", async () => {
  const queue = { moves: 5_000 };
  const pulses = await made(queue);
  const taken: string[] = [];
  const pulse = (name: string, cameAtMs: number, left = false) => ({
    cameAtMs,
    hasLeft: () => left,
    takeIn: () => (taken.push(name), NOTHING),
    failed: () => undefined,
  });
  pulses.put("old", pulse("old", 1));
  pulses.put("left", pulse("left", POOL_DEFAULTS.reportFreshMs + 2, true));
  pulses.put("here", pulse("here", POOL_DEFAULTS.reportFreshMs + 2));
  nowMs = POOL_DEFAULTS.reportFreshMs + 2;
  queue.moves = 0;
  await until("they are taken in", () => taken.length > 0 || undefined);
  expect(taken).toEqual(["here"]);
});
