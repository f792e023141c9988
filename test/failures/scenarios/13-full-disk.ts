/** Row 13: a full disk ends the agent itself. */
import { rmSync, writeSync, openSync, closeSync } from "node:fs";
import { join } from "node:path";
import { FailureReason, OutcomeKind } from "@moult/contracts/v1";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";
import { mountSmallDisk, noMounts } from "../harness/small-disk.ts";

/** Writes until nothing goes in any more. */
function fill(path: string): void {
  const file = openSync(path, "w");
  try {
    for (let size = 1_048_576; size >= 1; size /= 2) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}

export const fullDisk: Failure = {
  name: "13 a full disk ends neither the agent nor the workload",
  missing: noMounts,
  async run(scene) {
    const disk = mountSmallDisk(scene, "6m");
    const home = await OddHome.open(scene, {
      factory: makeBuild(scene, { counter: 1 }),
      dir: join(disk, "d"),
      config: { disk_reserve_bytes: 65_536 },
    });
    const workload = await home.box.workload();
    const filler = join(disk, "filler");
    fill(filler);
    await home.box.killUpdater();
    home.box.switchOn();
    await home.nextAsks(2);
    const starts = home.box.startsIn("factory");
    const alive = (): void => {
      must(home.box.startsIn("factory") === starts, "the agent ended on a full disk");
      must(home.box.pidOf("workload") === workload, "the workload ended on a full disk");
    };
    const two = makeBuild(scene, { counter: 2 });
    home.offer(two);
    await until("the outcome", () => (alive(), home.outcomes.length > 0), MOVE_MS);
    const [outcome] = home.outcomes;
    must(
      outcome?.kind === OutcomeKind.FAILED && outcome.reason === FailureReason.DISK_FULL,
      `told as something else: ${outcome?.message}`,
    );
    await home.nextAsks(2, alive);

    rmSync(filler);
    await home.nudgedTo(two);
    must(home.box.pidOf("workload") === workload, "the workload was interrupted");
  },
  mutants: [
    {
      defence: "a write that fails is an event, not an end",
      file: "agent/agent.ts",
      from: 'this.#parts.log.error({ err: error, effect }, "the disk could not be written");',
      to: "throw error;",
      caught: /ended on a full disk/,
    },
  ],
};
