/** Ending a process group: asked first, and after a grace time made to. */
import { setTimeout as sleep } from "node:timers/promises";
import { type ProcessFacts, processFacts } from "./process-facts.ts";

/** An adopted process has no parent here that is told of its end; it is looked at this often, in milliseconds. */
const LOOK_MS = 150;

/** Whether exactly this process lives. */
export async function isAlive(process: ProcessFacts): Promise<boolean> {
  return (await processFacts(process.pid))?.startTicks === process.startTicks;
}

/** Resolves when the process has ended. */
export async function watchEnd(process: ProcessFacts): Promise<void> {
  while (await isAlive(process)) await sleep(LOOK_MS);
}

/** Ends the group that `leader` leads. Resolves when the leader is gone and the rest has been killed. */
export async function endGroup(leader: ProcessFacts, graceMs: number): Promise<void> {
  if (await isAlive(leader)) signalGroup(leader.pid, "SIGTERM");
  const deadlineMs = performance.now() + graceMs;
  while (await isAlive(leader)) {
    if (performance.now() >= deadlineMs) signalGroup(leader.pid, "SIGKILL");
    await sleep(POLL_MS);
  }
  // Children that outlived their leader would hold its socket and its ports.
  signalGroup(leader.pid, "SIGKILL");
}

/** A workload's end decides how long the node is away; the wait for it is fine-grained, in milliseconds. */
const POLL_MS = 10;

function signalGroup(groupId: number, signal: NodeJS.Signals): void {
  signalIfThere(-groupId, signal);
}

/** Signals a process, or with a negative number a group; nothing where there is none any more. */
export function signalIfThere(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // Gone already.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
