/**
 * What an attack is: a scenario that enters over the socket or the disk of a real program and throws where it succeeds,
 * and mutants: programs without one defence, against which the same scenario has to throw.
 */
import type { TestBundles } from "../../../apps/agent/src/testing/bundles.ts";
import type { AtEnd } from "../../../apps/agent/src/testing/folders.ts";
import type { Row } from "./rows.ts";

/** One replacement in one source; `from` stands exactly once in it. */
export interface Patch {
  /** The end of the source's path, as in `rpc/access.ts`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The programs that a patch can go into. */
export type Program = "agent" | "coordinator" | "moult";

/** What an attack is played with. */
export interface Scene {
  /** An empty folder with a short path. */
  readonly root: string;
  readonly atEnd: AtEnd;
  /** What is changed in each program: nothing, but for mutants. */
  readonly patches: Readonly<Partial<Record<Program, readonly Patch[]>>>;
  /** Bundled programs of a device; made on the first call. */
  readonly bundles: () => Promise<TestBundles>;
}

/** A program with one defence taken out. */
export interface Mutant {
  /** The defence, in a few words: "notices where it is not so that …". */
  readonly defence: string;
  readonly of: Program;
  /** Usually one; several where the defence stands in several places. A bundled agent takes one. */
  readonly patches: readonly Patch[];
  /** What the attack says of the mutant: that it succeeded in this way and did not fail for another reason. */
  readonly caught: RegExp;
}

/** One attack. */
export interface Attack {
  /** The row of the design's list that it belongs to. */
  readonly row: Row;
  /** A sentence that says what is tried and what comes of it. */
  readonly name: string;
  /** Throws where the attack succeeds. */
  readonly run: (scene: Scene) => Promise<void>;
  readonly mutants?: readonly Mutant[];
  /** Not in `npm test`: long, or played there by test/failures already. `pnpm test:security` and MOULT_DEEP=1 play it. */
  readonly elsewhere?: boolean;
  /** Why it cannot be played here; undefined where it can. */
  readonly missing?: string | undefined;
}

/** The attack succeeded, or the defence did not do what it has to. */
export class Breach extends Error {
  override readonly name = "Breach";
}

/** Throws where the claim does not hold. */
export function must(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new Breach(claim);
}
