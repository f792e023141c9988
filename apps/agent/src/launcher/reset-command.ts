/**
 * `launcher.mjs reset`: writes the wish down for good, and then sees to it that a launcher carries it out: this one where
 * no agent runs, else the one that starts the agent again after this has ended it.
 */
import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, signalIfThere } from "../adapters/work/process-group.ts";
import { EXIT_FAILED, EXIT_STOPPED } from "../exit-codes.ts";
import { findAgents } from "./leftovers.ts";
import { type Wish, readWish, resetIfWanted, wish } from "./reset.ts";
import type { Site } from "./site.ts";

/** The agent ends and another launcher carries the wish out within this, in milliseconds, or never does. */
const CARRIED_OUT_MS = 60_000;
const LOOK_MS = 50;

/**
 * Root acts as whom the device's folder belongs to: files of root's in it would be in the agent's way, and links that the
 * agent's user made must not lead root anywhere.
 */
async function becomeOwner(deviceDir: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const { uid, gid } = await stat(deviceDir);
  process.setegid?.(gid);
  process.seteuid?.(uid);
}

/** Resets the device. Returns the exit code. */
export async function resetByCommand(site: Site, what: Exclude<Wish, "none">, json: boolean): Promise<number> {
  const { disk, deviceDir, runFolder, bootId, say } = site;
  await becomeOwner(deviceDir);
  await wish(disk, deviceDir, what);
  const deadlineMs = performance.now() + CARRIED_OUT_MS;
  const agents = await findAgents(disk, runFolder, bootId, deviceDir);
  for (const agent of agents) {
    signalIfThere(agent.pid, "SIGTERM");
    while ((await isAlive(agent)) && performance.now() < deadlineMs) await sleep(LOOK_MS);
  }
  if (agents.length === 0) await resetIfWanted(site);
  while (agents.length > 0 && performance.now() < deadlineMs && (await readWish(disk, deviceDir)) !== "none") {
    await sleep(LOOK_MS);
  }
  const done = (await readWish(disk, deviceDir)) === "none";
  if (json) process.stdout.write(`${JSON.stringify({ reset: done, wiped: done && what === "wipe" })}\n`);
  else say(done ? "info" : "error", done ? "the device is reset" : "the reset is carried out with the next start");
  return done ? EXIT_STOPPED : EXIT_FAILED;
}
