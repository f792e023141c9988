/**
 * Which workload runs, written down by the agent that started it, so that the next agent, or a launcher that has to end
 * everything, finds it. Lives in the device's `run` folder and means nothing after a reboot.
 */
import { join } from "node:path";
import { type Disk, DiskError, seal, unseal } from "@moult/slots";
import { writeVolatile } from "../volatile-file.ts";

/** One run of a workload. */
export interface WorkRecord {
  readonly identity: string;
  readonly bootId: string;
  /** Of the process group's leader; 0 where the workload is no process of the agent's. */
  readonly pid: number;
  readonly startTicks: string;
  /** Ends a workload that is no process of the agent's: an executable that takes no arguments. */
  readonly stopHook?: string;
}

const FILE = "workload";
const FILE_BYTES_MAX = 4_096;

/** What is written down; undefined where nothing is, or nothing that can be read. */
export async function readWorkRecord(disk: Disk, runFolder: string): Promise<WorkRecord | undefined> {
  const value = await readSealed(disk, join(runFolder, FILE));
  if (typeof value !== "object" || value === null) return undefined;
  const { identity, bootId, pid, startTicks, stopHook } = value as Record<string, unknown>;
  if (typeof identity !== "string" || typeof bootId !== "string" || typeof startTicks !== "string") return undefined;
  if (typeof pid !== "number") return undefined;
  return { identity, bootId, pid, startTicks, ...(typeof stopHook === "string" && { stopHook }) };
}

/**
 * Writes down which workload runs. On a full disk nothing is written and nothing is lost: a process is also found by its
 * environment, and a torn file by its seal.
 */
export async function writeWorkRecord(disk: Disk, runFolder: string, record: WorkRecord): Promise<void> {
  await writeVolatile(disk, join(runFolder, FILE), seal(record));
}

/** No workload runs. */
export async function removeWorkRecord(disk: Disk, runFolder: string): Promise<void> {
  await disk.removeFile(join(runFolder, FILE));
}

/** A folder in its place, or more than anybody would write, is no record of ours. */
async function readSealed(disk: Disk, path: string): Promise<unknown> {
  try {
    const bytes = await disk.read(path, FILE_BYTES_MAX);
    return bytes && unseal(bytes);
  } catch (error) {
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
