/** Row 6: the updater does not restart after it has updated itself. */
import { readFileSync } from "node:fs";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild, versionOf } from "../harness/builds.ts";
import { type Failure, type Scene, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

function checkRunning(home: OddHome, slot: string, counter: number): void {
  const command = readFileSync(`/proc/${home.box.pidOf("agent")}/cmdline`, "utf8");
  must(command.includes(`slots/${slot}/agent/agent.mjs`), `slot ${slot} was kept, and another agent runs`);
  const started = home.box.log.findLast(({ msg }) => msg === "started");
  must(started?.["agent"] === versionOf(counter), `agent ${String(started?.["agent"])} runs`);
}

async function play(scene: Scene): Promise<void> {
  const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1 }) });
  const workload = await home.box.workload();
  const two = makeBuild(scene, { counter: 2 });
  home.offer(two);
  await home.committed(two);
  checkRunning(home, "a", 2);

  // Killed the moment the record says what is next: the next launcher starts it all the same.
  home.offer(makeBuild(scene, { counter: 3 }));
  await until("a trial in the record", () => home.box.record()?.trial !== undefined, 20_000);
  await home.box.killUpdater();
  home.box.switchOn();
  await home.outcome(2);
  checkRunning(home, "b", 3);
  must(home.box.pidOf("workload") === workload, "the workload, which is the same in all builds, was interrupted");
}

export const updatesItself: Failure = {
  name: "06 an updater that has updated itself is the one that runs",
  run: play,
};
