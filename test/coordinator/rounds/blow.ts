/** What can be done to coordinators at work. */
import type { Stage } from "../stage/stage.ts";

/** Where a blow can be struck. */
export type StageName = "sqlite" | "sqlite-small" | "postgres" | "postgres-small";

/** One kind of blow. */
export interface Blow {
  readonly kind: string;
  readonly stage: StageName;
  /** One sentence. */
  readonly what: string;
  /** Strikes while the load goes on; when it resolves, all runs again. Throws where the coordinators behave wrongly. */
  readonly strike: (stage: Stage) => Promise<void>;
}

/** From `least` up to `least + more`. */
export function between(random: () => number, least: number, more: number): number {
  return Math.floor(least + more * random());
}
