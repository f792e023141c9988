/** Plays attacks: against the programs as they are, and against their mutants. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testBundles } from "../../../apps/agent/src/testing/bundles.ts";
import type { Attack, Mutant, Patch, Scene } from "./attack.ts";

/** Plays an attack once. Throws where it succeeds. */
export async function play(attack: Attack, mutant?: Pick<Mutant, "of" | "patches">): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "mlt-"));
  const ends: (() => void | Promise<void>)[] = [];
  try {
    await attack.run(sceneIn(root, (end) => void ends.push(end), mutant));
  } finally {
    for (const end of ends.toReversed()) await end();
    rmSync(root, { recursive: true, force: true });
  }
}

function sceneIn(root: string, atEnd: Scene["atEnd"], mutant: Pick<Mutant, "of" | "patches"> | undefined): Scene {
  const patch: Patch | undefined = mutant?.of === "agent" ? mutant.patches[0] : undefined;
  return {
    root,
    atEnd,
    patches: mutant === undefined ? {} : { [mutant.of]: mutant.patches },
    bundles: () => testBundles(root, patch),
  };
}

/** What an attack says of a program that lacks a defence; empty where it notices nothing. */
export async function complaint(attack: Attack, mutant: Mutant): Promise<string> {
  try {
    await play(attack, mutant);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return "";
}
