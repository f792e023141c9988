/**
 * What a launcher that was killed leaves behind: an agent that may not have noticed yet. Two agents on one device would
 * write over each other, so the new launcher ends the old agent first; the workload is not touched.
 */
import { join } from "node:path";
import { type Disk, seal, unseal } from "@moult/slots";
import { writeVolatile } from "../adapters/volatile-file.ts";
import { type ProcessFacts, findByEnvironment, processFacts } from "../adapters/work/process-facts.ts";
import { isAlive, signalIfThere, watchEnd } from "../adapters/work/process-group.ts";

const FILE = "agent";
const FILE_BYTES_MAX = 4_096;

/** Writes down which agent runs, where there is room for it. */
export async function noteAgent(disk: Disk, runFolder: string, bootId: string, pid: number): Promise<void> {
  const facts = await processFacts(pid);
  if (facts === undefined) return;
  await writeVolatile(disk, join(runFolder, FILE), seal({ bootId, pid, startTicks: facts.startTicks }));
}

/** In each agent's environment: which device it looks after. */
export const AGENT_OF_VARIABLE = "MOULT_AGENT_OF";

/** Ends whatever agent of this device still lives, also one that nobody had the time to write down. */
export async function endFormerAgent(disk: Disk, runFolder: string, bootId: string, deviceDir: string): Promise<void> {
  const noted = await readNote(disk, runFolder, bootId);
  const former = noted === undefined ? await findByEnvironment(`${AGENT_OF_VARIABLE}=${deviceDir}`) : [noted];
  for (const agent of former) {
    signalIfThere(agent.pid, "SIGKILL");
    await watchEnd(agent);
  }
}

/** The agent that was written down, where it still lives. */
async function readNote(disk: Disk, runFolder: string, bootId: string): Promise<ProcessFacts | undefined> {
  const bytes = await disk.read(join(runFolder, FILE), FILE_BYTES_MAX);
  const value = bytes && unseal(bytes);
  if (typeof value !== "object" || value === null) return undefined;
  const { bootId: then, pid, startTicks } = value as Record<string, unknown>;
  if (then !== bootId || typeof pid !== "number" || typeof startTicks !== "string") return undefined;
  const noted = { pid, startTicks, groupId: pid };
  return (await isAlive(noted)) ? noted : undefined;
}
