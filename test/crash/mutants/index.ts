/** The mutants: the code with one defence taken out, each of which the same enumeration has to find wanting. */
import { chooseBoot } from "@moult/agent/inside";
import { type Disk, putOnTrial } from "@moult/slots";
import { type Pieces, REAL_PIECES } from "../world/device.ts";
import {
  renamingFirst,
  withOneRecord,
  withStateInPlace,
  withoutChecksums,
  withoutFileSync,
  withoutFolderSync,
  withoutSettling,
} from "./disks.ts";
import { ConfusedStore, CredulousStore, HastyStore, TrustingStore } from "./stores.ts";

/** One mutant. */
export interface Mutant {
  readonly name: string;
  readonly pieces: Pieces;
  /** Scenarios in which it shows, the quickest first. */
  readonly scenarios: readonly string[];
  /** Whether it takes a kill before the power cut to find it. */
  readonly kills: boolean;
}

/** Starts a trial of what runs already with each boot, and so counts its tries down. */
const idleTries: Pieces["choose"] = async (parts, failure, depth) => {
  const boot = await chooseBoot(parts, failure, depth);
  const record = await parts.records.read();
  if (boot !== undefined && record !== undefined && record.trial === undefined) {
    await parts.records.write(putOnTrial(record, record.committed, 3));
  }
  return boot;
};

const onDisk = (name: string, disk: (disk: Disk) => Disk, ...scenarios: string[]): Mutant => ({
  name,
  pieces: { ...REAL_PIECES, disk },
  scenarios,
  kills: false,
});

const withStore = (name: string, store: Pieces["store"], ...scenarios: string[]): Mutant => ({
  name,
  pieces: { ...REAL_PIECES, store },
  scenarios,
  kills: false,
});

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  onDisk("fsync of files left out", withoutFileSync, "update-agent"),
  onDisk("fsync of folders left out", withoutFolderSync, "update-agent"),
  onDisk("renamed before it is fsynced", renamingFirst, "update-agent"),
  onDisk("boot record overwritten in place", withOneRecord, "update-agent"),
  onDisk("state file overwritten in place", withStateInPlace, "update-agent"),
  onDisk("checksums not checked", withoutChecksums, "update-agent", "revert-health", "revert-crash-loop"),
  {
    name: "tries counted down when idle",
    pieces: { ...REAL_PIECES, choose: idleTries },
    scenarios: ["update-agent"],
    kills: false,
  },
  withStore("digest not verified while writing", (disk, name) => new CredulousStore(disk, name), "update-agent"),
  withStore("the running slot replaced", (disk, name) => new ConfusedStore(disk, name), "update-work"),
  withStore("a workload's tree removed in place", (disk, name) => new HastyStore(disk, name), "revert-health"),
  {
    name: "a dead process's record taken for safe",
    pieces: { ...REAL_PIECES, disk: withoutSettling },
    scenarios: ["update-agent"],
    kills: true,
  },
  {
    name: "a dead process's slot taken for safe",
    pieces: { ...REAL_PIECES, store: (disk, name) => new TrustingStore(disk, name) },
    scenarios: ["update-agent"],
    kills: true,
  },
];
