/**
 * The load generator as a process: `node load/main.ts --settings FILE`. It sends requests at the rate it was last told,
 * never waits for an answer before the next, and never asks twice.
 */
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { performance } from "node:perf_hooks";
import { onParentMessage, tellParent, whenParentEnds } from "../harness/child.ts";
import { settingsFile } from "../harness/settings-file.ts";
import type { LoadCommand, LoadMessage, LoadSettings } from "./messages.ts";
import { ask } from "./request.ts";
import { Schedule } from "./schedule.ts";
import { Tally } from "./tally.ts";

/** How often to tell what was met, in milliseconds. */
const TELL_EVERY_MS = 100;

const settings = JSON.parse(readFileSync(settingsFile(process.argv), "utf8")) as LoadSettings;
const schedule = new Schedule(settings.seed);
const tally = new Tally();
const agent = new Agent({ keepAlive: true });
let rateRps = 0;
let dueMs = 0;
let timer: NodeJS.Timeout | undefined;

/** Sends what is due, also what became due while the processor was busy elsewhere, and sleeps until the next. */
function sendDue(): void {
  if (rateRps <= 0) return;
  const nowMs = performance.now();
  while (dueMs <= nowMs) {
    void sendOne(dueMs);
    dueMs += schedule.gapMs(rateRps);
  }
  timer = setTimeout(sendDue, dueMs - nowMs);
}

/** Sent late or not, a request belongs to the load of the moment in which it was due. */
async function sendOne(dueMs: number): Promise<void> {
  const seq = tally.send(dueMs);
  const sentMs = performance.now();
  const ending = await ask(settings.url, agent, settings.timeoutMs);
  tally.settle(seq, sentMs, performance.now(), ending);
  if (!ending.ok) process.stdout.write(`${Date.now()} request ${seq} to ${ending.node ?? "?"}: ${ending.reason}\n`);
}

onParentMessage((message) => {
  const command = message as LoadCommand;
  clearTimeout(timer);
  rateRps = command.rps;
  dueMs = performance.now();
  sendDue();
});
whenParentEnds(() => process.exit(0));
process.once("SIGTERM", () => process.exit(0));
setInterval(
  () => tellParent({ kind: "load", ...tally.figures(performance.now()) } satisfies LoadMessage),
  TELL_EVERY_MS,
);
