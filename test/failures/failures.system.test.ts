/**
 * The failures that real fleets have met, each played against a device of real processes: bundled launcher and agent, a
 * workload, coordinators and mirrors over TLS. Where a failure names mutants, the same scenario is played against a
 * device that lacks one defence, and has to say so: that takes as long as the failures themselves, and is left to the long
 * run, where MOULT_DEEP is 1. docs/failures.md has the table.
 */
import { type TestContext, describe, it } from "vitest";
import { type Patch, testBundles } from "../../apps/agent/src/testing/bundles.ts";
import { makeFolder } from "../../apps/agent/src/testing/folders.ts";
import { FAILURES } from "./failures.ts";
import type { Failure } from "./harness/failure.ts";

async function play(failure: Failure, { onTestFinished }: TestContext, patch?: Patch): Promise<void> {
  const atEnd = (end: () => void | Promise<void>): void => onTestFinished(end);
  const root = makeFolder(atEnd);
  await failure.run({ root, bundles: await testBundles(root, patch), atEnd });
}

/** What the scenario says about a device that lacks a defence. */
async function complaint(failure: Failure, context: TestContext, patch: Patch): Promise<string> {
  try {
    await play(failure, context, patch);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}

const DEEP = process.env["MOULT_DEEP"] === "1";

describe.concurrent("a device survives", () => {
  for (const failure of FAILURES) {
    const { name, missing, open, mutants = [] } = failure;
    if (missing !== undefined) {
      it.skip(`${name} (${missing})`, () => undefined);
      continue;
    }
    // Open ones are told as expected failures, so that whoever mends them is told to take the mark away.
    (open === undefined ? it : it.fails)(open === undefined ? name : `${name} (open: ${open})`, (context) =>
      play(failure, context),
    );
    for (const { defence, caught, ...patch } of DEEP && open === undefined ? mutants : []) {
      it(`${name.slice(0, 2)} notices where it is not so that ${defence}`, async (context) => {
        context.expect(await complaint(failure, context, patch)).toMatch(caught);
      });
    }
  }
});
