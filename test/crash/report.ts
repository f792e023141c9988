/** What a run came to, in figures and, where something is wrong, in words. */
import type { Finding, Tally } from "./explore.ts";

/** The figures. */
export interface Report {
  /** Distinct disk images after normalisation. */
  readonly states: number;
  /** States that boot nothing whole. */
  readonly bricked: number;
  /** States from which a device never gets on. */
  readonly stuck: number;
  readonly mutantsCaught: number;
  readonly mutants: number;
  /** States in which a promise was not kept: a record lost, a commit rolled back, a key gone. */
  readonly broken: number;
  /** Distinct images without `incoming/` and `run/`, which the next start empties or ignores. */
  readonly coreStates: number;
  /** Moments at which the power was cut. */
  readonly cuts: number;
  /** What these cuts may have left, before equal images were counted once. */
  readonly outcomes: number;
  /** Devices that were switched on afterwards and had to reach the last build. */
  readonly recoveries: number;
  /** Moments at which all processes were killed, with power cuts after them. */
  readonly kills: number;
  readonly seed: number;
}

/** The figures of a run. `survivors` are the mutants that nobody caught. */
export function reportOf(tally: Tally, mutants: number, survivors: readonly string[], seed: number): Report {
  return {
    states: tally.states.size,
    bricked: tally.bricked,
    stuck: tally.stuck,
    mutantsCaught: mutants - survivors.length,
    mutants,
    broken: tally.broken,
    coreStates: tally.cores.size,
    cuts: tally.cuts,
    outcomes: tally.outcomes,
    recoveries: tally.recoveries,
    kills: tally.kills,
    seed,
  };
}

/** Whether all is as it has to be. */
export function isGood({ bricked, stuck, broken, mutants, mutantsCaught }: Report): boolean {
  return bricked === 0 && stuck === 0 && broken === 0 && mutantsCaught === mutants;
}

/** A finding for people, with the way to it. */
export function describe({ kind, why, path, operations }: Finding, seed: number): string {
  const lines = [`${kind}: ${why}`, "  the way there:", ...path.map((where, index) => `  ${index + 1}. ${where}`)];
  if (operations.length > 0)
    lines.push("  the last operations before it:", ...operations.map((what) => `     ${what}`));
  lines.push(`  again: pnpm test:crash --seed ${seed} --scenario ${path[0]}`);
  return `${lines.join("\n")}\n`;
}
