/** What a failure's test is: a scenario that throws where the device does not survive, and mutants that it must catch. */
import type { Patch, TestBundles } from "../../../apps/agent/src/testing/bundles.ts";
import type { AtEnd } from "../../../apps/agent/src/testing/folders.ts";

/** What a scenario is played with. */
export interface Scene {
  /** An empty folder with a short path. */
  readonly root: string;
  readonly bundles: TestBundles;
  readonly atEnd: AtEnd;
}

/** A device with one defence taken out. */
export interface Mutant extends Patch {
  /** The defence, in a few words. */
  readonly defence: string;
  /** What the scenario says when it catches the mutant: that it failed for this reason and not for another. */
  readonly caught: RegExp;
}

/** One failure that real fleets have met. */
export interface Failure {
  /** Begins with the row's number in two digits. */
  readonly name: string;
  /** Throws where the device did not survive. */
  readonly run: (scene: Scene) => Promise<void>;
  readonly mutants?: readonly Mutant[];
  /** Why it cannot be played here; undefined where it can. */
  readonly missing?: string | undefined;
  /** What the device still lacks for it: the scenario is expected to throw. */
  readonly open?: string;
}

/** The device did what it must never do, or not what it has to. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Throws where the claim does not hold. */
export function must(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Violation(claim);
}
