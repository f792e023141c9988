/** Drained means quiet: nothing in flight, and for a while nothing begun; a router may not have heard of the leave yet. */
import type { Quiet, WorkView } from "./state.ts";

/** Nothing in flight that could be lost; a workload that does not run, or hangs for good, has nothing to lose. */
export function isAtRest(work: WorkView): boolean {
  if (!work.answering) {
    return work.state === "STOPPED" || (work.state === "STARTING" && !work.locked) || work.deaf === true;
  }
  return work.told && !work.locked && work.inFlight === 0;
}

/** Quiet from now on. */
export function quietSince(work: WorkView, nowMs: number): Quiet {
  return { sinceMs: nowMs, startedTotal: work.startedTotal, run: work.run };
}

/** Whether nothing was begun since. A run that has not answered has no counter to compare. */
export function isStillQuiet(quiet: Quiet, work: WorkView): boolean {
  return isAtRest(work) && (!work.answering || (quiet.run === work.run && quiet.startedTotal === work.startedTotal));
}
