/** Row 16: the binary is gone, gigabytes are left over, a truncated binary is run. */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Slot } from "@moult/contracts/v1";
import { until } from "../../../apps/agent/src/testing/until.ts";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { MOVE_MS, OddHome } from "../harness/odd-home.ts";

export const damagedSlot: Failure = {
  name: "16 a truncated or missing program is not run; what is whole is, and the device mends itself",
  async run(scene) {
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const two = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(two);
    await home.committed(two);
    const slot = join(home.box.dir, "slots", "a");
    for (const damage of ["truncated", "gone"]) {
      await home.box.cutPower();
      const program = join(slot, damage === "gone" ? "runtime/node" : "agent/agent.mjs");
      if (damage === "gone") rmSync(program);
      else {
        chmodSync(program, 0o644);
        truncateSync(program, 4_096);
      }
      home.target = undefined;
      const starts = home.box.startsIn("a");
      home.box.switchOn();
      await home.nextAsks(1, () => must(home.box.startsIn("a") === starts, `a ${damage} program was run`));
      must(home.coordinator.asks.at(-1)?.slot === Slot.FACTORY, `the program was ${damage}, and not the factory's ran`);
      home.target = two;
      await until("the mended build", () => home.coordinator.asks.at(-1)?.runningDigest === two.digest, MOVE_MS);
      await until("its commit", () => home.box.record()?.committed.digest === two.digest, MOVE_MS);
    }
  },
  mutants: [
    {
      defence: "a program's length is looked at before it is started",
      file: "slots/src/slot-check.ts",
      from: "if (entry.lengthBytes !== part.lengthBytes) return",
      to: "if (entry.lengthBytes < 0) return",
      caught: /a truncated program was run/,
    },
  ],
};

/** Sparse: it takes no room, and is removed like one that does. */
const LEFTOVER_BYTES = 4 * 1024 ** 3;

export const leftovers: Failure = {
  name: "16 gigabytes that an interrupted update left over are swept",
  async run(scene) {
    const home = await OddHome.make(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const incoming = join(home.box.dir, "incoming");
    mkdirSync(join(incoming, "half-a-slot", "runtime"), { recursive: true });
    for (const name of ["half-a-part", join("half-a-slot", "runtime", "node")]) {
      writeFileSync(join(incoming, name), "");
      truncateSync(join(incoming, name), LEFTOVER_BYTES);
    }
    home.box.switchOn();
    await home.nextAsks(1);
    must(existsSync(incoming) && readdirSync(incoming).length === 0, "leftovers are still there");
  },
  mutants: [
    {
      defence: "leftovers are swept when an agent starts",
      file: "agent/src/main.ts",
      from: "await sweep(store, settings.pull.diskReserveBytes);",
      to: "",
      caught: /leftovers are still there/,
    },
  ],
};
