/** `pids.json` in the demo's folder: which process is what, so that a test can pick one and kill it. */
import { rename, writeFile } from "node:fs/promises";
import { listProcesses } from "./process-list.ts";

/** How often the file is brought up to date, in milliseconds. */
const EVERY_MS = 500;

/** Pids by what the processes are. */
export interface Pids {
  /** The demo itself. */
  readonly demo: number;
  /** Coordinator, router, load generator, observer and launchers, by name. */
  readonly kept: Readonly<Record<string, number>>;
  readonly agents: readonly number[];
  readonly workloads: readonly number[];
}

/** Keeps `file` up to date until `signal` is aborted. Readers see it whole or not at all. */
export function keepPidFile(
  folder: string,
  file: string,
  kept: () => Record<string, number>,
  signal: AbortSignal,
): void {
  const write = async (): Promise<void> => {
    const running = await listProcesses(folder);
    const named = (part: string): number[] => running.filter(({ command }) => command.includes(part)).map((p) => p.pid);
    const pids: Pids = {
      demo: process.pid,
      kept: kept(),
      agents: named("/agent/agent.mjs"),
      workloads: named("/workload/server.mjs"),
    };
    await writeFile(`${file}.new`, JSON.stringify(pids, undefined, 2));
    await rename(`${file}.new`, file);
  };
  let writing = false;
  const timer = setInterval(() => {
    // One at a time: on a slow machine the next would take the file from under the one before.
    if (writing) return;
    writing = true;
    write()
      .catch((error: unknown) => {
        // The folder is being removed; the file with it.
        if (!signal.aborted) throw error;
      })
      .finally(() => (writing = false));
  }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
