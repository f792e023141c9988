/**
 * A thorough look at the host with systeminformation, as a program of its own: `agent.mjs --study` prints the facts as one
 * line of JSON and ends. The library, and the processes it starts, never weigh on the agent that stays.
 */
import type { HostFacts } from "../../situation.ts";

/** The word on the command line. */
export const STUDY_OPTION = "--study";

/** Characters of an operating system's name that the contract takes. */
const OS_RELEASE_LENGTH_MAX = 128;

/** Prints what is found. Rejects where the library fails. */
export async function printStudy(): Promise<void> {
  const { currentLoad, mem, osInfo } = await import("systeminformation");
  const { distro, release, kernel } = await osInfo();
  const [load, memory] = [await currentLoad(), await mem()];
  const facts: HostFacts = {
    osRelease: `${distro} ${release} (${kernel})`.slice(0, OS_RELEASE_LENGTH_MAX),
    cpuBusyRatio: Math.min(1, Math.max(0, load.currentLoad / 100)),
    memoryTotalBytes: memory.total,
    memoryAvailableBytes: memory.available,
  };
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

/** The facts in what was printed; a value that makes no sense is left out. */
export function parseStudy(text: string): HostFacts {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) return {};
  const { osRelease, cpuBusyRatio, memoryTotalBytes, memoryAvailableBytes } = value as Record<string, unknown>;
  return {
    ...(typeof osRelease === "string" && { osRelease: osRelease.slice(0, OS_RELEASE_LENGTH_MAX) }),
    ...(typeof cpuBusyRatio === "number" && { cpuBusyRatio }),
    ...(typeof memoryTotalBytes === "number" && { memoryTotalBytes }),
    ...(typeof memoryAvailableBytes === "number" && { memoryAvailableBytes }),
  };
}
