/** What the kernel says of a process: memory, time, children. */
import { readFileSync, readdirSync } from "node:fs";

/** Resident memory, in mebibytes. */
export function rssMib(pid: number): number {
  const [, kib] = /^VmRSS:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** Time on the processor so far, as the scheduler has counted it for all threads that live, in milliseconds. */
export function runMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const ns = tasks.map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]));
  return ns.reduce((sum, each) => sum + each, 0) / 1_000_000;
}

/** Handed to the disk so far, in bytes. */
export function writtenBytes(pid: number): number {
  const [, bytes] = /^write_bytes: ([0-9]+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8")) ?? [];
  return Number(bytes);
}

/** Ticks a second of the kernel's accounts; the same on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

/** Time on the processor so far of all threads, also of those that have ended; in steps of 10 ms. */
export function wholeRunMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_A_SECOND;
}

/** Direct children. */
export function childrenOf(pid: number): readonly number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
}
