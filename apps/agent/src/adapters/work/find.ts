/** Finds workloads that run on this device, also one that was started a moment before its agent was killed. */
import type { Disk } from "@moult/slots";
import { HOOK_TIMEOUTS_MS, runHook } from "./hook.ts";
import { type ProcessFacts, environmentOf, findByEnvironment } from "./process-facts.ts";
import { endGroup, isAlive } from "./process-group.ts";
import { readWorkRecord, removeWorkRecord } from "./record.ts";

/** In each workload's environment: which workload it is. */
export const IDENTITY_VARIABLE = "MOULT_WORK_IDENTITY";

/** In each workload's environment: where it listens. It tells one device's workload from all others'. */
export const SOCKET_VARIABLE = "MOULT_WORK_SOCKET";

/** A workload that runs. */
export interface FoundWork {
  readonly identity: string;
  readonly process: ProcessFacts;
}

/** Where to look. */
export interface Premises {
  readonly disk: Disk;
  readonly runFolder: string;
  readonly socketPath: string;
  readonly bootId: string;
}

/** Every workload process of this device. */
export async function findWork({ disk, runFolder, socketPath, bootId }: Premises): Promise<readonly FoundWork[]> {
  const record = await readWorkRecord(disk, runFolder);
  if (record !== undefined && record.bootId === bootId && record.pid > 0) {
    const process = { pid: record.pid, startTicks: record.startTicks, groupId: record.pid };
    if (await isAlive(process)) return [{ identity: record.identity, process }];
  }
  const found: FoundWork[] = [];
  for (const process of await findByEnvironment(`${SOCKET_VARIABLE}=${socketPath}`)) {
    if (process.groupId !== process.pid) continue;
    found.push({ identity: (await environmentOf(process.pid, IDENTITY_VARIABLE)) ?? "", process });
  }
  return found;
}

/** Ends whatever workload of this device runs, but for that of `identity`. */
export async function endOtherWork(premises: Premises, identity: string | undefined, graceMs: number): Promise<void> {
  const { disk, runFolder, bootId } = premises;
  for (const work of await findWork(premises)) if (work.identity !== identity) await endGroup(work.process, graceMs);
  const record = await readWorkRecord(disk, runFolder);
  if (record?.stopHook === undefined || record.bootId !== bootId || record.identity === identity) return;
  try {
    await runHook(record.stopHook, "", HOOK_TIMEOUTS_MS.stop, {});
  } finally {
    // A hook that fails has ended as much as it ever will; asking it again at each start would keep the next workload out.
    await removeWorkRecord(disk, runFolder);
  }
}
