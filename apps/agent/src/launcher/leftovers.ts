/**
 * What a launcher that was killed leaves behind: an agent that may not have noticed yet. Two agents on one device would
 * write over each other, so the new launcher ends the old agent first; the workload is not touched.
 */
import { join } from "node:path";
import { type Disk, seal, unseal } from "@moult/slots";
import { writeVolatile } from "../adapters/volatile-file.ts";
import { processFacts } from "../adapters/work/process-facts.ts";
import { isAlive, watchEnd } from "../adapters/work/process-group.ts";

const FILE = "agent";
const FILE_BYTES_MAX = 4_096;

/** Writes down which agent runs, where there is room for it. */
export async function noteAgent(disk: Disk, runFolder: string, bootId: string, pid: number): Promise<void> {
  const facts = await processFacts(pid);
  if (facts === undefined) return;
  await writeVolatile(disk, join(runFolder, FILE), seal({ bootId, pid, startTicks: facts.startTicks }));
}

/** Ends the agent that was written down, where it still lives. */
export async function endFormerAgent(disk: Disk, runFolder: string, bootId: string): Promise<void> {
  const bytes = await disk.read(join(runFolder, FILE), FILE_BYTES_MAX);
  const value = bytes && unseal(bytes);
  if (typeof value !== "object" || value === null) return;
  const { bootId: then, pid, startTicks } = value as Record<string, unknown>;
  if (then !== bootId || typeof pid !== "number" || typeof startTicks !== "string") return;
  const former = { pid, startTicks, groupId: pid };
  if (!(await isAlive(former))) return;
  process.kill(pid, "SIGKILL");
  await watchEnd(former);
}
