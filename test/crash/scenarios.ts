/**
 * What devices live through while they are cut: each scenario starts from a disk that is at rest, and ends when its goal is
 * reached. The devices of later scenarios are made by earlier ones.
 */
import { contentsOf } from "@moult/agent/inside";
import { type BootRecord, SlotStore } from "@moult/slots";
import { type DiskState, ModelDisk, diskOf, emptyDisk, settledImage } from "@moult/simulation";
import { AGENT_ONLY, CRASHES, type CrashBuild, FACTORY, ILL, MUTE, NEW_WORK } from "./builds.ts";
import { ROOT } from "./world/settings.ts";

/** One story. */
export interface Scenario {
  readonly name: string;
  /** The scenario after which it begins; undefined for a device as it was flashed. */
  readonly after: string | undefined;
  /** What the coordinator wants, one after the other; each until it was kept or given up here. */
  readonly targets: readonly CrashBuild[];
  /** Whether leftovers of an interrupted staging lie on the disk at first. */
  readonly littered: boolean;
}

/** All stories, in an order in which each follows the one it begins after. */
export const SCENARIOS: readonly Scenario[] = [
  { name: "first-boot", after: undefined, targets: [], littered: false },
  { name: "update-agent", after: "first-boot", targets: [AGENT_ONLY], littered: false },
  { name: "update-work", after: "update-agent", targets: [NEW_WORK], littered: true },
  { name: "revert-health", after: "update-agent", targets: [ILL], littered: false },
  { name: "revert-deadline", after: "update-work", targets: [MUTE], littered: false },
  { name: "revert-crash-loop", after: "update-agent", targets: [CRASHES], littered: false },
  { name: "update-after-revert", after: "revert-health", targets: [MUTE, CRASHES], littered: false },
  { name: "first-update-in-one-go", after: undefined, targets: [NEW_WORK], littered: false },
];

/** A device as a vendor flashes it: the factory slot, and nothing that an agent writes. */
export async function flashedDevice(): Promise<DiskState> {
  const disk = new ModelDisk(emptyDisk());
  await disk.makeFolder(ROOT);
  let names = 0;
  const store = new SlotStore(disk, ROOT, () => `flash-${(names += 1)}`);
  await store.prepare();
  const contents = contentsOf(FACTORY.manifest, FACTORY.digest);
  const taken = new Set<string>();
  for (const part of contents.parts) {
    if (taken.has(part.digest)) continue;
    taken.add(part.digest);
    const writer = await store.receivePart(part);
    await writer.write(FACTORY.parts.get(part.digest) ?? new Uint8Array());
    await writer.finish();
  }
  await store.assemble("factory", contents, { manifest: FACTORY.bytes, signed: FACTORY.envelope });
  // What agents keep is not part of an image: its folder is made on the first boot.
  await disk.removeFolder(store.layout.state);
  return diskOf(settledImage(disk.state));
}

/** The disk with what an interrupted staging leaves: half a slot and half a part. */
export async function litter(state: DiskState): Promise<DiskState> {
  const disk = new ModelDisk(state);
  const incoming = `${ROOT}/incoming`;
  for (const folder of ["half", "half/agent", "half/.moult"]) await disk.makeFolder(`${incoming}/${folder}`);
  for (const path of ["part", "half/agent/agent.mjs", "half/.moult/contents"]) {
    const file = await disk.create(`${incoming}/${path}`, "plain");
    await file.write(new Uint8Array([1, 2, 3]));
  }
  return diskOf(settledImage(disk.state));
}

/** Whether the record shows that the build was kept, or is not tried any more. */
export function isDecided(target: CrashBuild, record: BootRecord | undefined, denied: readonly string[]): boolean {
  if (record === undefined || record.trial !== undefined || record.abandoned !== undefined) return false;
  return target.behaviour === "good" ? record.committed.digest === target.digest : denied.includes(target.digest);
}
