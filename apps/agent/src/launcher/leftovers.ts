/**
 * What a launcher that was killed leaves behind: an agent that may not have noticed yet. Two agents on one device would
 * write over each other, so the new launcher ends the old agent first; the workload is not touched.
 */
import { join } from "node:path";
import { type Disk, DiskError, seal, unseal } from "@moult/slots";
import { writeVolatile } from "../adapters/volatile-file.ts";
import { type ProcessFacts, findByEnvironment, processFacts } from "../adapters/work/process-facts.ts";
import { isAlive, signalIfThere, watchEnd } from "../adapters/work/process-group.ts";

const FILE = "agent";
const FILE_BYTES_MAX = 4_096;

/** What a launcher that does not stay leaves for the next: which start this is, and what came before it. */
export interface StartNote {
  readonly startId: string;
  readonly trial: boolean;
  /** On the host's monotonic clock. */
  readonly startedMs: number;
  /** How many agents in a row ended soon after their start, before this one. */
  readonly crashes: number;
}

/** Writes down which agent runs, where there is room for it. */
export async function noteAgent(
  disk: Disk,
  runFolder: string,
  bootId: string,
  pid: number,
  start?: StartNote,
): Promise<void> {
  const facts = await processFacts(pid);
  if (facts === undefined) return;
  const note = { bootId, pid, startTicks: facts.startTicks, ...(start && { start }) };
  await writeVolatile(disk, join(runFolder, FILE), seal(note));
}

/** The last start of this boot; undefined where there was none, or none that was written down. */
export async function readStartNote(disk: Disk, runFolder: string, bootId: string): Promise<StartNote | undefined> {
  const note = await readNote(disk, runFolder);
  const start = note?.["bootId"] === bootId ? note["start"] : undefined;
  if (typeof start !== "object" || start === null) return undefined;
  const { startId, trial, startedMs, crashes } = start as Record<string, unknown>;
  if (typeof startId !== "string" || typeof trial !== "boolean" || typeof startedMs !== "number") return undefined;
  if (typeof crashes !== "number" || !Number.isSafeInteger(crashes) || crashes < 0) return undefined;
  return { startId, trial, startedMs, crashes };
}

/** In each agent's environment: which device it looks after. */
export const AGENT_OF_VARIABLE = "MOULT_AGENT_OF";

/** Ends whatever agent of this device still lives, also one that nobody had the time to write down. */
export async function endFormerAgent(disk: Disk, runFolder: string, bootId: string, deviceDir: string): Promise<void> {
  for (const agent of await findAgents(disk, runFolder, bootId, deviceDir)) {
    signalIfThere(agent.pid, "SIGKILL");
    await watchEnd(agent);
  }
}

/** Agents of this device that live. */
export async function findAgents(
  disk: Disk,
  runFolder: string,
  bootId: string,
  deviceDir: string,
): Promise<readonly ProcessFacts[]> {
  const { bootId: then, pid, startTicks } = (await readNote(disk, runFolder)) ?? {};
  if (then === bootId && typeof pid === "number" && typeof startTicks === "string" && pid !== process.pid) {
    const noted = { pid, startTicks, groupId: pid };
    if (await isAlive(noted)) return [noted];
  }
  const found = await findByEnvironment(`${AGENT_OF_VARIABLE}=${deviceDir}`);
  return found.filter((agent) => agent.pid !== process.pid);
}

/** What was written down; undefined where nothing is, or nothing that can be read. */
async function readNote(disk: Disk, runFolder: string): Promise<Record<string, unknown> | undefined> {
  try {
    const bytes = await disk.read(join(runFolder, FILE), FILE_BYTES_MAX);
    const value = bytes && unseal(bytes);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    // A folder in its place, or more than anybody would write: no note of ours.
    if (error instanceof DiskError) return undefined;
    throw error;
  }
}
