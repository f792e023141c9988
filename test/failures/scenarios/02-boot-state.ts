/** Row 2: the factory image never initialised its boot state. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Slot } from "@moult/contracts/v1";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

/** All that launcher and agent write as they boot and move; key and token are no boot state. */
function forgetBootState(state: string): void {
  for (const file of ["boot-0", "boot-1", "agent"]) rmSync(join(state, file), { force: true });
}

/** What an erased flash chip reads as. */
const ERASED = Buffer.alloc(4_096, 0xff);

export const bootState: Failure = {
  name: "02 a factory image without boot state boots and updates",
  async run(scene) {
    const factory = makeBuild(scene, { counter: 1, says: "none" });
    const home = await OddHome.make(scene, { factory });
    const state = join(home.box.dir, "state");
    forgetBootState(state);
    home.box.switchOn();
    await home.nextAsks(1);
    must(home.box.record()?.committed.digest === factory.digest, "no boot record was made");

    await home.box.cutPower();
    forgetBootState(state);
    writeFileSync(join(state, "boot-0"), ERASED);
    writeFileSync(join(state, "boot-1"), Buffer.alloc(0));
    home.box.switchOn();
    await home.nextAsks(1);

    const next = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(next);
    await home.committed(next);
    await home.box.cutPower();
    home.box.switchOn();
    await home.nextAsks(1);
    must(home.coordinator.asks.at(-1)?.slot === Slot.A, "the next boot forgot the update");
  },
};
