/** What staging a build will do, as data, before the disk is touched. Pure. */
import type { SlotName } from "./boot-record.ts";
import type { PartEntry, SlotContents } from "./slot-contents.ts";

/** What is known of the device. */
export interface StageInput {
  readonly build: SlotContents;
  /** The slot that runs; never written to. */
  readonly running: SlotName;
  /** Digests of the parts that are in the store already. */
  readonly present: ReadonlySet<string>;
}

/** The plan. */
export interface StagePlan {
  /** The slot that will be replaced. */
  readonly slot: SlotName;
  readonly build: SlotContents;
  /** Parts to be fetched, each digest once, the smallest first: a wrong source is found out cheaply. */
  readonly missing: readonly PartEntry[];
  /** Bytes to be fetched. */
  readonly missingBytes: number;
}

/** Plans to stage a build beside the one that runs. */
export function planStage({ build, running, present }: StageInput): StagePlan {
  const missing = new Map<string, PartEntry>();
  for (const part of build.parts) {
    if (present.has(part.digest)) continue;
    const known = missing.get(part.digest);
    missing.set(part.digest, { ...part, executable: part.executable || known?.executable === true });
  }
  const sorted = [...missing.values()].sort((x, y) => x.lengthBytes - y.lengthBytes);
  const missingBytes = sorted.reduce((sum, part) => sum + part.lengthBytes, 0);
  return { slot: running === "a" ? "b" : "a", build, missing: sorted, missingBytes };
}
