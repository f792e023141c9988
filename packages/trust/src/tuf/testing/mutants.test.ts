import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { MUTANTS } from "./mutants.ts";

test("every defence that is taken out is missed by an attack", { timeout: 120_000 }, async () => {
  const program = join(import.meta.dirname, "mutants-main.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [program], { timeout: 110_000 });
  const results = JSON.parse(stdout) as { name: string; differing: string[] }[];
  expect(results.length).toBe(MUTANTS.length);
  expect(results.filter((mutant) => mutant.differing.length === 0).map((mutant) => mutant.name)).toEqual([]);
});
