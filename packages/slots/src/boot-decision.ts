/**
 * Which slot to start. Pure: the record, the slots that are whole and how the last start ended go in; the slot, and the
 * record to be made safe before it is started, come out. A healthy device decides the same any number of times without
 * a write, so that power cycling burns nothing.
 */
import { type Abandoned, type BootRecord, SLOT_NAMES, type SlotName, type SlotRef, type Trial } from "./boot-record.ts";

/** What is decided on. */
export interface BootInput {
  /** Undefined where neither file of the record could be read. */
  readonly record: BootRecord | undefined;
  /** Digest of the build in each slot that is whole; slots that are empty or damaged are left out. */
  readonly whole: Partial<Readonly<Record<SlotName, string>>>;
  /** Why the last start of the trial ended; for the report, should it be abandoned now. */
  readonly failure?: { readonly reason: string; readonly message: string };
}

/** What to start. */
export interface BootDecision extends SlotRef {
  readonly trial: boolean;
  /** To be made safe before the slot is started. Absent where the record stands as it is. */
  readonly write?: BootRecord;
}

/** The slot to start; undefined where none is whole. */
export function decideBoot(input: BootInput): BootDecision | undefined {
  const { record, whole } = input;
  if (record === undefined) return startAnew(whole);
  const { trial } = record;
  if (trial === undefined) return startCommitted(record, whole, false);
  if (trial.triesLeft > 0 && isWhole(trial, whole)) {
    const write = { ...record, trial: { ...trial, triesLeft: trial.triesLeft - 1 } };
    return { slot: trial.slot, digest: trial.digest, trial: true, write };
  }
  return startCommitted(abandon(record, trial, input), whole, true);
}

/** The record without its trial, and why. */
function abandon(record: BootRecord, trial: Trial, { whole, failure }: BootInput): BootRecord {
  const { trial: _, ...rest } = record;
  const abandoned: Abandoned = isWhole(trial, whole)
    ? {
        digest: trial.digest,
        reason: failure?.reason ?? "AGENT_DID_NOT_START",
        message: failure?.message ?? "The new agent was started as often as allowed and did not prove itself.",
        deny: true,
      }
    : {
        digest: trial.digest,
        reason: "DISK",
        message: `Slot ${trial.slot} did not hold the whole build when it was to be started.`,
        deny: false,
      };
  return { ...rest, abandoned };
}

/** The committed build, or what is known to have worked before it, or the factory's. */
function startCommitted(record: BootRecord, whole: BootInput["whole"], changed: boolean): BootDecision | undefined {
  const { committed, previous } = record;
  if (isWhole(committed, whole)) return { ...committed, trial: false, ...(changed && { write: record }) };
  const abandoned: Abandoned = record.abandoned ?? {
    digest: committed.digest,
    reason: "DISK",
    message: `Slot ${committed.slot} no longer holds the whole build that was committed.`,
    deny: false,
  };
  if (previous !== undefined && isWhole(previous, whole)) {
    return { ...previous, trial: false, write: { committed: previous, abandoned } };
  }
  const anew = startAnew(whole);
  return anew?.write && { ...anew, write: { ...anew.write, abandoned } };
}

/** Without a record the factory's build is the one to trust; any whole one is better than none. */
function startAnew(whole: BootInput["whole"]): BootDecision | undefined {
  for (const slot of ["factory", ...SLOT_NAMES] as const) {
    const digest = whole[slot];
    if (digest !== undefined) return { slot, digest, trial: false, write: { committed: { slot, digest } } };
  }
  return undefined;
}

function isWhole(ref: SlotRef, whole: BootInput["whole"]): boolean {
  return whole[ref.slot] === ref.digest;
}
