/** The environment with which a program of the sources is started under `hook.ts`. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, type Scene, Breach } from "./attack.ts";

const HOOK = join(import.meta.dirname, "hook.ts");

/** A started program's environment, and what its hook noted. */
export interface Preload {
  readonly env: Readonly<Record<string, string>>;
  /** Throws where a patch was not applied: its file was never loaded. */
  readonly check: () => void;
  /** How often the clock has leapt. */
  readonly leaps: () => number;
}

/** Prepares a start of the program. `leapMs` is what each SIGUSR2 puts its clock forward by; 0 for a clock that stays. */
export function preload({ root, patches }: Scene, program: Program, leapMs = 0): Preload {
  const wanted = patches[program] ?? [];
  const notes = join(root, `notes-${program}`);
  mkdirSync(notes, { recursive: true });
  const lines = (file: string): number => {
    const path = join(notes, file);
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
  };
  const before = lines("patched");
  const plain = wanted.length === 0 && leapMs === 0;
  return {
    env: plain
      ? {}
      : {
          NODE_OPTIONS: `--import=${HOOK}`,
          SECURITY_PATCHES: JSON.stringify(wanted),
          SECURITY_LEAP_MS: String(leapMs),
          SECURITY_NOTES: notes,
        },
    check() {
      if (lines("patched") - before < wanted.length) {
        throw new Breach(`${program} never loaded ${wanted.map(({ file }) => file).join(", ")}`);
      }
    },
    leaps: () => lines("leaps"),
  };
}
