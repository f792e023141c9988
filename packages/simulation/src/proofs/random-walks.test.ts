/** Long random walks through small pools: what no search reaches. A failure prints its walk. */
import { test } from "vitest";
import * as fc from "fast-check";
import { REAL } from "./mutants.ts";
import { SmallWorld } from "./small-world.ts";

/** Set by `pnpm deep`. */
const DEEP = process.env["MOULT_DEEP"] !== undefined;

test("no walk of 80 steps breaks a rule", { timeout: 600_000 }, () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 7 }),
      fc.array(fc.nat(1000), { minLength: 10, maxLength: 80 }),
      (nodes, picks) => {
        const world = new SmallWorld(REAL.make, nodes);
        for (const pick of picks) {
          const steps = world.steps();
          const step = steps[pick % steps.length];
          if (step !== undefined) world.do(step);
        }
      },
    ),
    { numRuns: DEEP ? 20_000 : 300 },
  );
});
