/**
 * The observer as a process: `node observer/main.ts --settings FILE`. It knocks at each workload's own door, past router
 * and coordinator, and tells what it sees.
 */
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { onParentMessage, tellParent, whenParentEnds } from "../harness/child.ts";
import { settingsFile } from "../harness/settings-file.ts";
import { Door } from "./door.ts";
import { FleetSight } from "./fleet-sight.ts";
import type { ObserverMessage, ObserverSettings } from "./messages.ts";

/** How often each door is knocked at and what is seen is told, in milliseconds. */
const LOOK_EVERY_MS = 100;

const settings = JSON.parse(readFileSync(settingsFile(process.argv), "utf8")) as ObserverSettings;
const fleet = new FleetSight(settings.boxes.map(({ box }) => box));
for (const { box, port } of settings.boxes) {
  const door = new Door(port);
  setInterval(() => void door.knock((answer) => fleet.see(box, performance.now(), answer)), LOOK_EVERY_MS);
}
setInterval(() => tellParent({ kind: "observer", ...fleet.seen() } satisfies ObserverMessage), LOOK_EVERY_MS);
// The one command there is: begin.
onParentMessage(() => fleet.begin());
whenParentEnds(() => process.exit(0));
process.once("SIGTERM", () => process.exit(0));
