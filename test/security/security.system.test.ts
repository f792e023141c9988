/**
 * Every attack of the design's list, against real programs. Those that test/failures plays as well are left to it, and the
 * mutants to `pnpm test:security`, where MOULT_DEEP is not 1.
 */
import { describe, expect, it } from "vitest";
import { FAMILIES } from "./attacks.ts";
import { complaint, play } from "./harness/play.ts";

const DEEP = process.env["MOULT_DEEP"] === "1";

describe.concurrent.each(Object.entries(FAMILIES))("%s", (_, attacks) => {
  for (const attack of attacks) {
    const { name, missing, elsewhere = false, mutants = [] } = attack;
    if (missing !== undefined) it.skip(`${name} (${missing})`, () => undefined);
    else if (DEEP || !elsewhere) it(name, () => play(attack));
    for (const mutant of DEEP && missing === undefined ? mutants : []) {
      it(`${name}: notices where it is not so that ${mutant.defence}`, async () => {
        expect(await complaint(attack, mutant)).toMatch(mutant.caught);
      });
    }
  }
});
