/**
 * Runs attacks against copies of the wrapper, one defence less in each. A process of its own, so that the copies are
 * loaded by the runtime as they are. `node mutants-main.ts SRC`: prints `[{ name, differing }]`.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Attack } from "./attack.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";

const src = process.argv[2] ?? join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "moult-mutants-"));

async function differing(mutant: Mutant, index: number): Promise<readonly string[]> {
  const copy = join(folder, String(index), "src");
  cpSync(src, copy, { recursive: true, filter: (name) => !name.endsWith(".test.ts") });
  for (const { file, find, replace } of mutant.edits) {
    const before = readFileSync(join(copy, file), "utf8");
    if (before.split(find).length !== 2) throw new Error(`${mutant.name}: not exactly once in ${file}: ${find}`);
    writeFileSync(
      join(copy, file),
      before.replace(find, () => replace),
    );
  }
  const load = (file: string): Promise<unknown> => import(pathToFileURL(join(copy, "tuf/testing", file)).href);
  const { ATTACKS } = (await load("attacks.ts")) as { ATTACKS: Record<string, readonly Attack[]> };
  const { verdictOn } = (await load("attack.ts")) as { verdictOn: (attack: Attack) => Promise<string> };
  const attacks = Object.values(ATTACKS).flat();
  const found: string[] = [];
  for (const name of mutant.caughtBy) {
    const attack = attacks.find((a) => a.name === name);
    if (attack === undefined) throw new Error(`${mutant.name}: no attack is called ${name}`);
    if ((await verdictOn(attack)) !== attack.expected) found.push(name);
  }
  return found;
}

try {
  symlinkSync(join(src, "../node_modules"), join(folder, "node_modules"));
  const results: { name: string; differing: readonly string[] }[] = [];
  for (const [index, mutant] of MUTANTS.entries()) {
    results.push({ name: mutant.name, differing: await differing(mutant, index) });
  }
  process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
