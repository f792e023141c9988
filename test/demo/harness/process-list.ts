/**
 * Which processes belong to a demo: those of the runtime whose command line names its temporary folder. The folder's
 * name is random, so that no other program can match by chance, and an editor that is open on a log is none of the
 * demo's; processes that left the demo's own process tree are found all the same.
 */
import { execFile } from "node:child_process";
import { readFile, readdir } from "node:fs/promises";
import { promisify } from "node:util";

/** A running process. */
export interface RunningProcess {
  readonly pid: number;
  /** Its command line, words joined by blanks. */
  readonly command: string;
}

/** The runtime, whatever folder it lies in. */
const RUNTIME = /^(\S*\/)?node /;

/** Every process of the runtime whose command line names `folder`, this one excepted. */
export async function listProcesses(folder: string): Promise<RunningProcess[]> {
  const all = process.platform === "linux" ? await readProc() : await askPs();
  return all.filter(({ pid, command }) => pid !== process.pid && RUNTIME.test(command) && command.includes(folder));
}

/** Linux: no child process, and it works where `ps` is not installed. */
async function readProc(): Promise<RunningProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const processes = await Promise.all(
    pids.map(async (pid): Promise<RunningProcess | undefined> => {
      try {
        const words = await readFile(`/proc/${pid}/cmdline`, "utf8");
        return { pid: Number(pid), command: words.replaceAll("\0", " ").trim() };
      } catch {
        return undefined; // It ended between the listing and the reading.
      }
    }),
  );
  return processes.filter((running) => running !== undefined);
}

async function askPs(): Promise<RunningProcess[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,command="], { maxBuffer: 16 * 1024 * 1024 });
  return stdout.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(.*)$/.exec(line);
    return match?.[1] === undefined ? [] : [{ pid: Number(match[1]), command: match[2] ?? "" }];
  });
}
