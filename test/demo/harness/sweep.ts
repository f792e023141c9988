/** Ends every process of a demo and removes its folder. It may be run by anybody, also after the demo has crashed. */
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type RunningProcess, listProcesses } from "./process-list.ts";

/** How long processes may take to end by themselves, in milliseconds. */
const GRACE_MS = 4000;
/** How long a killed process may take to be gone, in milliseconds. */
const KILL_MS = 3000;
/** How often to look who is left, in milliseconds. */
const LOOK_EVERY_MS = 50;

/** Asks all to end, then ends what is left, then removes the folder. Rejects where something could not be ended. */
export async function sweep(folder: string): Promise<void> {
  await endAll(folder, "SIGTERM", GRACE_MS);
  const left = await endAll(folder, "SIGKILL", KILL_MS);
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  if (left.length === 0) return;
  const names = left.map(({ pid, command }) => `${pid} (${command})`).join(", ");
  throw new Error(`could not end ${names}`);
}

/** Signals each process once, those that appear later too, until none is left or the time is over. Returns the rest. */
async function endAll(folder: string, signal: NodeJS.Signals, timeoutMs: number): Promise<RunningProcess[]> {
  const startedMs = performance.now();
  const signalled = new Set<number>();
  for (;;) {
    const running = await listProcesses(folder);
    for (const { pid } of running) {
      if (!signalled.has(pid)) send(pid, signal);
      signalled.add(pid);
    }
    if (running.length === 0 || performance.now() - startedMs > timeoutMs) return running;
    await delay(LOOK_EVERY_MS);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already is what was wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
