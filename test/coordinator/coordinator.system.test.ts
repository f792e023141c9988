/** The rounds and the mutants as tests: one of each that matters most by default, a hundred rounds under MOULT_DEEP=1. */
import { afterAll, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, postgresBinaries } from "../../apps/coordinator/src/store/testing/postgres-server.ts";
import { MUTANTS, faultsOf } from "./mutants.ts";
import { BLOWS } from "./rounds/index.ts";
import { rowsOf } from "./rounds/report.ts";
import { Player, type Round, Unplayable, schedule } from "./rounds/run.ts";

const isDeep = process.env["MOULT_DEEP"] === "1";
const seed = Number(process.env["MOULT_SEED"] ?? Date.now() % 1_000_000);
const ROUNDS_DEEP = 100;
const ROUND_MS = 180_000;

/** Those that matter most: whoever decides is gone, asleep, or cut off; and the store under it is killed or full. */
const SHORT = [
  ["sqlite-small", "full-disk"],
  ["sqlite", "kill"],
  ["postgres", "kill-postgres"],
  ["postgres", "pause-seat"],
  ["postgres", "database-deaf"],
] as const;

const blows = isDeep
  ? schedule(BLOWS, ROUNDS_DEEP, seed)
  : SHORT.map(([stage, kind]) => {
      const found = BLOWS.find((blow) => blow.stage === stage && blow.kind === kind);
      if (found === undefined) throw new Error(`there is no blow ${kind} on ${stage}`);
      return found;
    });

describe(`coordinators under load, blow by blow (MOULT_SEED=${seed})`, () => {
  const player = new Player(seed);
  const rounds: Round[] = [];
  afterAll(async () => {
    await player.stop();
    if (isDeep) for (const row of rowsOf(rounds)) process.stdout.write(`${JSON.stringify(row)}\n`);
  });

  test.for(blows.map((blow, n) => ({ blow, n, name: `${n}: ${blow.kind} on ${blow.stage}` })))(
    "lose nothing and give nothing twice, $name",
    { timeout: ROUND_MS },
    async ({ blow, n }, { skip }) => {
      const round = await player.play(blow, n).catch((error: unknown) => {
        if (error instanceof Unplayable) return error.message;
        throw error;
      });
      if (typeof round === "string") return skip(round);
      rounds.push(round);
      expect(round.acknowledged).toBeGreaterThanOrEqual(40);
      expect(round.faults).toEqual([]);
    },
  );
});

describe.skipIf(postgresBinaries() === undefined)("a coordinator without a defence is caught", () => {
  test.for(MUTANTS.filter(({ isSlow }) => isDeep || !isSlow))("$name", { timeout: ROUND_MS }, async (mutant) => {
    const found = new Set((await faultsOf(mutant, seed)).map(({ rule }) => rule));
    expect([...found]).toEqual(expect.arrayContaining([...mutant.finds]));
  });
});

test.skipIf(postgresBinaries() !== undefined)(POSTGRES_MISSING, () => expect.unreachable());
