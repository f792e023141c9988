/** Worlds are the same each time, in one piece or in parts, and the scoreboard says what the referee saw. */
import { describe, expect, test } from "vitest";
import { loadAware } from "../policies/load-aware.ts";
import { moult } from "../policies/moult.ts";
import { oracle } from "../policies/oracle.ts";
import { FAULTS, worldOptions } from "../world/options.ts";
import { joinParts, runPart } from "./part.ts";
import { rowOf, timeOf, violationsOf } from "./row.ts";
import { runScoreboard } from "./scoreboard.ts";

const small = worldOptions({ nodes: 200, seed: 11, days: 2 });

/** Worlds of two days take a second or two. */
const timeout = 60_000;

describe("a world", { timeout }, () => {
  test("has one history a seed, whatever goes wrong in it", () => {
    const world = { ...small, faults: FAULTS };
    const first = runPart(moult, { world });
    expect(runPart(moult, { world })).toEqual(first);
    expect(runPart(moult, { world: { ...world, seed: 12 } }).doneH).not.toEqual(first.doneH);
  });

  test("is the sum of its parts for a policy that decides pool by pool", () => {
    const world = { ...small, idleAskEveryMs: 900_000, days: 0.5 };
    const parts = Array.from({ length: world.pools }, (_, pool) =>
      runPart(loadAware, { world, range: { from: pool, to: pool + 1 } }),
    );
    expect(joinParts(parts)).toEqual(runPart(loadAware, { world }));
  });

  test("lets every node move in the end, also where messages are lost, restarts happen and nodes lie", () => {
    const part = runPart(moult, { world: { ...small, days: 6, faults: FAULTS } });
    expect(timeOf(part, 0.95)).toBeLessThan(96);
  });
});

describe("the scoreboard", { timeout }, () => {
  test("puts the clairvoyant between the bound and the others, without a violation", async () => {
    const board = await runScoreboard([small], [loadAware, moult, oracle], { threads: 1, watch: () => {} });
    const [aware, product, clairvoyant] = board.rows;
    expect(board.worldCounts).toBe((aware?.violations ?? 0) > 0);
    expect(clairvoyant?.violations).toBe(0);
    expect(board.boundT90H ?? 0).toBeLessThanOrEqual(clairvoyant?.t90H ?? 0);
    expect(clairvoyant?.t90H ?? 0).toBeLessThanOrEqual(product?.t90H ?? 0);
    expect(product?.violations ?? 1).toBeLessThanOrEqual(aware?.violations ?? 0);
  });

  test("says never where a share was not reached", () => {
    const part = runPart(moult, { world: { ...small, days: 0.05 } });
    expect(rowOf("moult", [part])).toMatchObject({ t99H: null, finished: false, violations: violationsOf(part) });
  });
});
