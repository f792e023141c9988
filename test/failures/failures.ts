/** All failures, in the order of the design's table. */
import type { Failure } from "./harness/failure.ts";
import { form } from "./scenarios/01-form.ts";
import { bootState } from "./scenarios/02-boot-state.ts";
import { onlyHolderFailed, workloadEnds, workloadFailed, workloadHangs } from "./scenarios/03-workload-down.ts";
import { hops, missedRollout } from "./scenarios/04-missed.ts";
import { notFound } from "./scenarios/05-not-found.ts";
import { updatesItself } from "./scenarios/06-updates-itself.ts";
import { fallbackIsTold, successIsTrue } from "./scenarios/07-told-true.ts";
import { silentDevice, undecidedAgent } from "./scenarios/08-silent.ts";
import { cancelledMove, cancelledPull } from "./scenarios/09-cancel.ts";
import { powerCycles } from "./scenarios/10-power-cycles.ts";
import { keptIsBooted } from "./scenarios/11-kept.ts";
import { revertedOnce } from "./scenarios/12-loop.ts";
import { fullDisk } from "./scenarios/13-full-disk.ts";
import { partLostLater, partNeverCame } from "./scenarios/14-parts-missing.ts";
import { recordFails, wrongBytes } from "./scenarios/15-switched-anyway.ts";
import { damagedSlot, leftovers } from "./scenarios/16-binary-gone.ts";
import { clock1970, clock2038, expired, noClock } from "./scenarios/17-clock.ts";
import { hangs, noTools } from "./scenarios/18-hangs.ts";
import { readOnly, slowLine } from "./scenarios/19-slow-or-read-only.ts";
import { laterAgentReverted, laterState } from "./scenarios/20-migrated.ts";

export const FAILURES: readonly Failure[] = [
  form,
  bootState,
  workloadEnds,
  workloadFailed,
  onlyHolderFailed,
  workloadHangs,
  missedRollout,
  hops,
  notFound,
  updatesItself,
  successIsTrue,
  fallbackIsTold,
  silentDevice,
  undecidedAgent,
  cancelledMove,
  cancelledPull,
  powerCycles,
  keptIsBooted,
  revertedOnce,
  fullDisk,
  partNeverCame,
  partLostLater,
  recordFails,
  wrongBytes,
  damagedSlot,
  leftovers,
  clock1970,
  clock2038,
  expired,
  noClock,
  hangs,
  noTools,
  slowLine,
  readOnly,
  laterState,
  laterAgentReverted,
];
