/** Every order of steps in a pool of five, and every planted bug found. */
import { describe, expect, test } from "vitest";
import { MUTANTS, REAL } from "./mutants.ts";
import { inWords, search } from "./search.ts";

/** Set by `pnpm deep`: searches go further. */
const DEEP = process.env["MOULT_DEEP"] !== undefined;

describe("a pool of five nodes", () => {
  test("the real ledger breaks no rule in any order of steps", { timeout: 600_000 }, () => {
    const found = search(REAL.make, { nodes: 5, depth: DEEP ? 6 : 4 });
    expect(found.broken && `${inWords(found.broken.steps)}: ${found.broken.rule}`).toBeUndefined();
    expect(found.states).toBeGreaterThan(100);
  });

  test.each(MUTANTS)("$name is caught", { timeout: 60_000 }, ({ make }) => {
    const found = search(make, { nodes: 5, depth: 4 });
    expect(found.broken).toBeDefined();
  });
});
