/** How an agent changes the boot record: on to trial, kept, given up. Pure; each takes the record as it stands. */
import type { Abandoned, BootRecord, SlotRef } from "./boot-record.ts";

/** The build in `target` is to be tried, at most `tries` starts long. */
export function putOnTrial(record: BootRecord, target: SlotRef, tries: number): BootRecord {
  const { abandoned: _, ...rest } = record;
  return { ...rest, trial: { slot: target.slot, digest: target.digest, triesLeft: tries } };
}

/** The build on trial is kept. Without a trial nothing changes, so that a repeat is harmless. */
export function commitTrial(record: BootRecord): BootRecord {
  const { trial, committed } = record;
  if (trial === undefined) return record;
  return { committed: { slot: trial.slot, digest: trial.digest }, previous: committed };
}

/**
 * The build with this digest is given up. That also takes back a commit whose write was reported as failed and yet took
 * place. Without either nothing changes.
 */
export function revertTrial(record: BootRecord, abandoned: Abandoned): BootRecord {
  const { trial, ...rest } = record;
  if (trial?.digest === abandoned.digest) return { ...rest, abandoned };
  const { committed, previous } = record;
  if (committed.digest === abandoned.digest && previous !== undefined) return { committed: previous, abandoned };
  return record;
}

/** What was given up has been taken over into the agent's own state. */
export function clearAbandoned(record: BootRecord): BootRecord {
  const { abandoned: _, ...rest } = record;
  return rest;
}
