/**
 * The launcher that stays: it supervises the agent where no init system does. SIGTERM or SIGINT ends the agent and the
 * workload; when the launcher is killed, the agent ends by itself and the workload goes on until the next launcher's
 * agent adopts it. With `once` it stays until the agent has nothing more to do, and leaves the workload running.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { BootInput } from "@moult/slots";
import { ONCE_VARIABLE } from "../once.ts";
import { endOtherWork } from "../adapters/work/find.ts";
import { EXIT_FAILED, EXIT_STOPPED, EXIT_UNREACHABLE } from "../exit-codes.ts";
import { afterEnd } from "./after-end.ts";
import { type Start, agentCommand, runtimeOptions } from "./agent-command.ts";
import { chooseBoot } from "./boot.ts";
import { type RunningAgent, startAgent } from "./child.ts";
import { endFormerAgent, noteAgent } from "./leftovers.ts";
import { takesOptions } from "./probe.ts";
import { resetIfWanted } from "./reset.ts";
import type { Site } from "./site.ts";

/** An agent that is told to stop has this long, in milliseconds. */
const STOP_MS = 5_000;

/** Without any whole slot the disk is looked at again after this, in milliseconds: it may come back. */
export const NOTHING_WHOLE_MS = 10_000;

/** A wake by a timer gives up after so many crashes in a row; the next one comes anyway. */
const ONCE_CRASHES_MAX = 3;

/** Runs agents until it is told to stop, or with `once` until one has nothing more to do. Returns the exit code. */
export async function stay(site: Site, once: boolean): Promise<number> {
  const { disk, deviceDir, runFolder, socketPath, bootId, settings, say } = site;
  await endFormerAgent(disk, runFolder, bootId, deviceDir);

  const stopping = new AbortController();
  let agent: RunningAgent | undefined;
  const stop = (): void => {
    stopping.abort();
    agent?.stop(STOP_MS);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  let failure: BootInput["failure"];
  let crashes = 0;
  let depth: "lengths" | "digests" = "lengths";
  let didNotComeUp = false;
  while (!stopping.signal.aborted) {
    await resetIfWanted(site);
    const boot = await chooseBoot(site, failure, depth);
    if (boot === undefined) {
      say("error", "no slot holds a whole build; the device has to be flashed");
      if (once) return EXIT_FAILED;
      await pause(NOTHING_WHOLE_MS, stopping.signal);
      continue;
    }
    const { slot, trial, write } = boot.decision;
    if (write?.abandoned !== undefined) say("warn", `falling back to slot ${slot}: ${write.abandoned.message}`);
    say("info", `starting the agent in slot ${slot}${trial ? ", on trial" : ""}`);
    const start = startOf(site, boot, once ? { [ONCE_VARIABLE]: "1" } : {});
    const command = agentCommand(start, didNotComeUp && (await isTooOld(start, site)));
    agent = startAgent(command, trial, settings);
    if (agent.pid !== undefined) await noteAgent(disk, runFolder, bootId, agent.pid);
    if (stopping.signal.aborted) agent.stop(STOP_MS);
    const end = await agent.ended;
    agent = undefined;
    if (stopping.signal.aborted) break;
    if (once && (end.code === EXIT_STOPPED || end.code === EXIT_UNREACHABLE)) return end.code;
    const next = afterEnd(end, crashes);
    say(
      next.crashes > 0 || next.failure !== undefined ? "warn" : "info",
      `the agent in slot ${slot} ended: ${end.how}`,
    );
    ({ failure, crashes } = { failure: next.failure, crashes: next.crashes });
    // One more than raises the suspicion that the slot is damaged: the start after that looks at every byte.
    if (once && crashes > ONCE_CRASHES_MAX) return EXIT_FAILED;
    depth = next.checkDigests ? "digests" : "lengths";
    didNotComeUp = !end.wasUp;
    await pause(next.waitMs, stopping.signal);
  }
  if (once || settings.workRunner === "unit") return EXIT_STOPPED;
  await endOtherWork({ disk, runFolder, socketPath, bootId }, undefined, settings.workStopGraceMs);
  return EXIT_STOPPED;
}

/** A start of that boot. */
export function startOf(
  { configFile, settings, realFolders, env }: Site,
  boot: Start["boot"],
  extra: Start["extra"] = {},
): Start {
  return { boot, configFile, settings, realFolders, env, startId: randomUUID(), extra };
}

/** Whether the launcher is too old for the slot's runtime: then it is started without options. */
export async function isTooOld(start: Start, { say }: Site): Promise<boolean> {
  if (await takesOptions(agentCommand(start, true).program, runtimeOptions(start))) return false;
  say("warn", `the runtime in slot ${start.boot.decision.slot} does not take the options; it is started without`);
  return true;
}

/** Waits, or not when told to stop. */
export async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
}
