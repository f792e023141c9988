/**
 * The launcher: `launcher.mjs --config FILE`. Picks the slot, starts its agent, counts the tries of a trial, falls back,
 * and starts an agent again that ended. SIGTERM or SIGINT ends the agent and the workload; when the launcher is killed,
 * the agent ends by itself and the workload goes on until the next launcher's agent adopts it.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { BootRecordFiles, type BootInput, makeFoldersDurably, slotLayout } from "@moult/slots";
import { readBootId } from "../adapters/boot-id.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { endOtherWork } from "../adapters/work/find.ts";
import { EXIT_CONFIG, EXIT_FAILED, EXIT_STOPPED } from "../exit-codes.ts";
import { deviceLayout } from "../layout.ts";
import { afterEnd } from "./after-end.ts";
import { chooseBoot } from "./boot.ts";
import { type RunningAgent, startAgent } from "./child.ts";
import { endFormerAgent, noteAgent } from "./leftovers.ts";
import { sayToStdout as say } from "./say.ts";
import { readLauncherSettings } from "./settings.ts";

/** An agent that is told to stop has this long, in milliseconds. */
const STOP_MS = 5_000;

/** Without any whole slot the disk is looked at again after this, in milliseconds: it may come back. */
const NOTHING_WHOLE_MS = 10_000;

const HELP = `Starts the agent of the slot that the boot record names, and looks after it.

Usage: launcher.mjs --config FILE

Options:
  --config FILE  the device's configuration (YAML)
  --help         print this, and exit

Exit codes: ${EXIT_STOPPED} stopped as told, ${EXIT_CONFIG} the configuration cannot be used, ${EXIT_FAILED} failed.

Example: factory/runtime/node launcher/launcher.mjs --config device.yaml
`;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { config: { type: "string" }, help: { type: "boolean" } } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return EXIT_STOPPED;
  }
  if (values.config === undefined) {
    say("error", "`--config FILE` is missing");
    return EXIT_CONFIG;
  }
  const configFile = values.config;
  const settings = readLauncherSettings(configFile, await readFile(configFile, "utf8"), process.env);
  const { deviceDir } = settings;
  const { state } = slotLayout(deviceDir);
  const { run: runFolder, workSocket: socketPath } = deviceLayout(deviceDir);
  await makeFoldersDurably(nodeDisk, state);
  await makeFoldersDurably(nodeDisk, runFolder);
  const bootId = await readBootId();
  await endFormerAgent(nodeDisk, runFolder, bootId, deviceDir);

  const stopping = new AbortController();
  let agent: RunningAgent | undefined;
  const stop = (): void => {
    stopping.abort();
    agent?.stop(STOP_MS);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);

  const records = new BootRecordFiles(nodeDisk, state);
  let failure: BootInput["failure"];
  let crashes = 0;
  let depth: "lengths" | "digests" = "lengths";
  while (!stopping.signal.aborted) {
    const boot = await chooseBoot({ disk: nodeDisk, deviceDir, records, say }, failure, depth);
    if (boot === undefined) {
      say("error", "no slot holds a whole build; the device has to be flashed");
      await pause(NOTHING_WHOLE_MS, stopping.signal);
      continue;
    }
    const { slot, trial, write } = boot.decision;
    if (write?.abandoned !== undefined) say("warn", `falling back to slot ${slot}: ${write.abandoned.message}`);
    say("info", `starting the agent in slot ${slot}${trial ? ", on trial" : ""}`);
    agent = startAgent(boot, configFile, settings);
    if (agent.pid !== undefined) await noteAgent(nodeDisk, runFolder, bootId, agent.pid);
    if (stopping.signal.aborted) agent.stop(STOP_MS);
    const end = await agent.ended;
    agent = undefined;
    if (stopping.signal.aborted) break;
    const next = afterEnd(end, crashes);
    say(
      next.crashes > 0 || next.failure !== undefined ? "warn" : "info",
      `the agent in slot ${slot} ended: ${end.how}`,
    );
    ({ failure, crashes } = { failure: next.failure, crashes: next.crashes });
    depth = next.checkDigests ? "digests" : "lengths";
    await pause(next.waitMs, stopping.signal);
  }
  await endOtherWork({ disk: nodeDisk, runFolder, socketPath, bootId }, undefined, settings.workStopGraceMs);
  return EXIT_STOPPED;
}

async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say("error", error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(EXIT_FAILED);
  },
);
