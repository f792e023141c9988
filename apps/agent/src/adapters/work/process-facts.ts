/** What Linux says of a process: whether it lives, and which one it is, for ids are used again. */
import { readFile, readdir } from "node:fs/promises";

/** One process. */
export interface ProcessFacts {
  readonly pid: number;
  /** Clock ticks after boot; with the pid it names a process for good. */
  readonly startTicks: string;
  /** The process group's id. */
  readonly groupId: number;
}

/** Facts of a process that lives; undefined where it does not, or has ended and was not waited for. */
export async function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  const text = await readFileIfThere(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in parentheses may hold anything; what follows it is fixed.
  const [state, , groupId, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTicks = rest[16];
  if (state === undefined || state === "Z" || state === "X" || startTicks === undefined) return undefined;
  return { pid, startTicks, groupId: Number(groupId) };
}

/** Processes whose environment has this entry. Children inherit it: who wants leaders looks at `groupId`. */
export async function findByEnvironment(entry: string): Promise<readonly ProcessFacts[]> {
  const found: ProcessFacts[] = [];
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^[0-9]+$/.test(name)) continue;
    const environment = await readFileIfThere(`/proc/${name}/environ`);
    if (environment?.split("\0").includes(entry) !== true) continue;
    const facts = await processFacts(Number(name));
    if (facts !== undefined) found.push(facts);
  }
  return found;
}

/** A value in the environment of a process. */
export async function environmentOf(pid: number, key: string): Promise<string | undefined> {
  const environment = await readFileIfThere(`/proc/${pid}/environ`);
  const entry = environment?.split("\0").find((line) => line.startsWith(`${key}=`));
  return entry?.slice(key.length + 1);
}

/** Processes come and go while one reads, and others' are not to be read: both are "not there". */
async function readFileIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}
