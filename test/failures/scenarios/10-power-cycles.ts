/** Row 10: power cycling burns the tries of a healthy slot. */
import { Slot } from "@moult/contracts/v1";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";
import { until } from "../../../apps/agent/src/testing/until.ts";

/** More than a trial has tries. */
const CYCLES = 5;

export const powerCycles: Failure = {
  name: "10 power cycling a healthy device burns nothing",
  async run(scene) {
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const two = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(two);
    await home.committed(two);
    const before = Buffer.concat(home.box.recordFiles());
    for (let cycle = 1; cycle <= CYCLES; cycle += 1) {
      await home.box.cutPower();
      const starts = home.box.startsIn("a");
      home.box.switchOn();
      const started = (): boolean => {
        must(home.box.startsIn("factory") === 1, `boot ${cycle} fell back to the factory's build`);
        const same = Buffer.concat(home.box.recordFiles()).equals(before);
        must(same, `boot ${cycle} of a healthy device changed the boot record`);
        return home.box.startsIn("a") > starts;
      };
      // Most cycles are cut before the agent could say a word.
      await until("the next start", started, 20_000);
    }
    await home.nextAsks(1);
    must(home.coordinator.asks.at(-1)?.slot === Slot.A, "another slot runs");
    must(Buffer.concat(home.box.recordFiles()).equals(before), "the boot record changed");
  },
  mutants: [
    {
      defence: "a trial ends with its commit",
      file: "slots/src/boot-changes.ts",
      from: "return { committed: { slot: trial.slot, digest: trial.digest }, previous: committed };",
      to: "return { committed: { slot: trial.slot, digest: trial.digest }, previous: committed, trial };",
      caught: /changed the boot record/,
    },
    {
      defence: "a start without a trial writes nothing",
      file: "slots/src/boot-decision.ts",
      from: "if (trial === undefined) return startCommitted(record, whole, false);",
      to: "if (trial === undefined) return startCommitted(record, whole, true);",
      caught: /changed the boot record/,
    },
  ],
};
