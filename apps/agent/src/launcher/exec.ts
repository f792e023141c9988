/**
 * The launcher that becomes the agent, under an init system that watches it and starts it again. What it would have seen
 * of the agent before, it reads from a note of that start and from what the agent wrote down of itself.
 */
import { type BootInput, type CheckDepth } from "@moult/slots";
import { readLife } from "../adapters/agent-life.ts";
import { monotonicClock } from "../adapters/clock.ts";
import { EXIT_STOPPED } from "../exit-codes.ts";
import { deviceLayout } from "../layout.ts";
import { OVERDUE_FACTOR } from "../overdue.ts";
import { type Next, afterEnd } from "./after-end.ts";
import { agentCommand } from "./agent-command.ts";
import { type Boot, chooseBoot } from "./boot.ts";
import { lastEnd } from "./last-end.ts";
import { endFormerAgent, noteAgent, readStartNote } from "./leftovers.ts";
import { resetIfWanted } from "./reset.ts";
import type { Site } from "./site.ts";
import { NOTHING_WHOLE_MS, isTooOld, pause, startOf } from "./stay.ts";

/** What the end of the agent before means for this start. */
interface Past extends Next {
  readonly didNotComeUp: boolean;
}

const NO_PAST: Past = { waitMs: 0, crashes: 0, checkDigests: false, didNotComeUp: false };

/** Becomes the agent. Returns only where it was told to stop before. */
export async function becomeAgent(site: Site): Promise<number> {
  const { disk, deviceDir, runFolder, bootId, say } = site;
  const stopping = new AbortController();
  const stop = (): void => stopping.abort();
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  await endFormerAgent(disk, runFolder, bootId, deviceDir);
  const past = await readPast(site);
  await pause(past.waitMs, stopping.signal);
  await resetIfWanted(site);
  const boot = await chooseOne(site, past.failure, past.checkDigests ? "digests" : "lengths", stopping.signal);
  if (boot === undefined || stopping.signal.aborted) return EXIT_STOPPED;

  const { slot, trial, write } = boot.decision;
  if (write?.abandoned !== undefined) say("warn", `falling back to slot ${slot}: ${write.abandoned.message}`);
  say("info", `becoming the agent in slot ${slot}${trial ? ", on trial" : ""}`);
  const start = startOf(site, boot);
  const { program, args, env } = agentCommand(start, past.didNotComeUp && (await isTooOld(start, site)));
  const { startId } = start;
  const startedMs = monotonicClock.nowMs();
  await noteAgent(disk, runFolder, bootId, process.pid, { startId, trial, startedMs, crashes: past.crashes });
  // The one warning there would be says that execve is young.
  process.removeAllListeners("warning");
  process.execve?.(program, [program, ...args], env);
  throw new Error(`The agent at ${program} could not be executed.`);
}

async function readPast(site: Site): Promise<Past> {
  const { disk, runFolder, bootId, deviceDir, settings, say } = site;
  const note = await readStartNote(disk, runFolder, bootId);
  if (note === undefined) return NO_PAST;
  const life = await readLife(disk, deviceLayout(deviceDir).agentLife);
  const end = lastEnd(note, life, monotonicClock.nowMs(), settings.trialTimeoutMs * OVERDUE_FACTOR);
  // Told to stop, by whoever starts it again now.
  if (end.code === EXIT_STOPPED && !end.trial) return NO_PAST;
  const next = afterEnd(end, note.crashes);
  if (next.crashes > 0 || next.failure !== undefined) say("warn", `the agent before ended: ${end.how}`);
  return { ...next, didNotComeUp: !end.wasUp };
}

async function chooseOne(
  site: Site,
  failure: BootInput["failure"],
  depth: CheckDepth,
  signal: AbortSignal,
): Promise<Boot | undefined> {
  while (!signal.aborted) {
    const boot = await chooseBoot(site, failure, depth);
    if (boot !== undefined) return boot;
    site.say("error", "no slot holds a whole build; the device has to be flashed");
    await pause(NOTHING_WHOLE_MS, signal);
  }
  return undefined;
}
