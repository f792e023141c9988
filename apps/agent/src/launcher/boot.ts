/** Picks the slot to start, and makes the record safe that this follows from. */
import {
  type BootDecision,
  type BootInput,
  type BootRecord,
  type BootRecordFiles,
  type CheckDepth,
  type Disk,
  DiskError,
  SLOT_NAMES,
  type SlotContents,
  type SlotName,
  type Trial,
  checkSlot,
  decideBoot,
  slotLayout,
} from "@moult/slots";
import type { Say } from "./say.ts";

/** What to start. */
export interface Boot {
  readonly decision: BootDecision;
  readonly contents: SlotContents;
  /** The slot's folder. */
  readonly folder: string;
}

/** Where to look. */
export interface BootParts {
  readonly disk: Disk;
  readonly deviceDir: string;
  readonly records: BootRecordFiles;
  readonly say: Say;
}

/** The slot to start; undefined where none is whole. */
export async function chooseBoot(
  { disk, deviceDir, records, say }: BootParts,
  failure: BootInput["failure"],
  depth: CheckDepth,
): Promise<Boot | undefined> {
  const layout = slotLayout(deviceDir);
  const slots = new Map<SlotName, SlotContents>();
  const whole: Partial<Record<SlotName, string>> = {};
  for (const slot of SLOT_NAMES) {
    if ((await disk.entry(layout.slot(slot))) === undefined) continue;
    const found = await checkSlot(disk, layout.slot(slot), depth);
    if ("flaw" in found) {
      say("warn", `slot ${slot} is not whole: ${found.flaw}`);
    } else {
      slots.set(slot, found.contents);
      whole[slot] = found.contents.digest;
    }
  }
  await settle(records, say);
  const record = await records.read();
  const input: BootInput = { record, whole, ...(failure && { failure }) };
  const decision = await makeSafe(decideBoot(input), input, records, say);
  const contents = decision && slots.get(decision.slot);
  return decision && contents && { decision, contents, folder: layout.slot(decision.slot) };
}

/** What an agent or a launcher left that was killed while it wrote is made safe before it is acted on. */
async function settle(records: BootRecordFiles, say: Say): Promise<void> {
  try {
    await records.settle();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    // The record counts as it is read; a device on a dying disk still has to boot.
    say("error", `the boot record could not be made safe: ${error.message}`);
  }
}

/** A try that cannot be counted is not made: without it a bad build could be started for ever. */
async function makeSafe(
  decision: BootDecision | undefined,
  input: BootInput,
  records: BootRecordFiles,
  say: Say,
): Promise<BootDecision | undefined> {
  if (decision?.write === undefined) return decision;
  try {
    await records.write(decision.write);
    return decision;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    say("error", `the boot record could not be written: ${error.message}`);
    const { record } = input;
    if (!decision.trial || record === undefined) return decision;
    return decideBoot({ ...input, record: withoutTries(record) });
  }
}

function withoutTries(record: BootRecord): BootRecord {
  const trial: Trial | undefined = record.trial && { ...record.trial, triesLeft: 0 };
  return { ...record, ...(trial && { trial }) };
}
