/** Row 2: the factory image never initialised its boot state. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Slot } from "@moult/contracts/v1";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

/** What an erased flash chip reads as. */
const ERASED = Buffer.alloc(4_096, 0xff);

export const bootState: Failure = {
  name: "02 a factory image without boot state boots and updates",
  async run(scene) {
    const factory = makeBuild(scene, { counter: 1, says: "none" });
    const home = await OddHome.make(scene, { factory });
    const state = join(home.box.dir, "state");
    rmSync(state, { recursive: true });
    home.box.switchOn();
    await home.nextAsks(1);
    must(home.box.record()?.committed.digest === factory.digest, "no boot record was made");

    await home.box.cutPower();
    rmSync(state, { recursive: true });
    mkdirSync(state);
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
