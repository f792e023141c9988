/** Row 11: a slot boots and is marked bad, or success is told and the same old slot boots. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NodeState, OutcomeKind, Slot } from "@moult/contracts/v1";
import { seal, unseal } from "@moult/slots";
import { makeBuild } from "../harness/builds.ts";
import { type Failure, must } from "../harness/failure.ts";
import { OddHome } from "../harness/odd-home.ts";

export const keptIsBooted: Failure = {
  name: "11 the build that was kept is the one that boots, and is not marked bad",
  async run(scene) {
    const home = await OddHome.open(scene, { factory: makeBuild(scene, { counter: 1, says: "none" }) });
    const state = join(home.box.dir, "state", "agent");
    const onTrial = join(scene.root, "memory-on-trial");
    home.coordinator.hear = ({ report }) => {
      if (report.case === "progress") copyFileSync(state, onTrial);
      return NodeState.SERVING;
    };
    const two = makeBuild(scene, { counter: 2, says: "none" });
    home.offer(two);
    await home.committed(two);
    const boot = async (): Promise<void> => {
      home.box.switchOn();
      await home.nextAsks(1);
      must(home.coordinator.asks.at(-1)?.slot === Slot.A, "success was told, and the same old slot boots");
      must(home.coordinator.asks.at(-1)?.deniedDigests.length === 0, "the slot that boots is marked bad");
    };
    await home.box.cutPower();
    await boot();

    // The write of the commit was reported as failed and took place: the memory says given up, the record says kept.
    await home.box.cutPower();
    const memory = unseal(readFileSync(onTrial)) as { readonly denied: readonly string[] };
    writeFileSync(state, seal({ ...memory, denied: [two.digest, ...memory.denied] }));
    const told = home.outcomes.length;
    await boot();
    must(home.outcomes.length === told + 1, "how the move ended was not told");
    must(home.outcomes.at(-1)?.kind === OutcomeKind.COMMITTED, "what was kept was told as given up");
    await home.box.cutPower();
    await boot();
  },
  mutants: [
    {
      defence: "a commit names the new slot",
      file: "slots/src/boot-changes.ts",
      from: "return { committed: { slot: trial.slot, digest: trial.digest }, previous: committed };",
      to: "return { committed, previous: committed };",
      caught: /the same old slot boots/,
    },
    {
      defence: "what is kept is not denied",
      file: "update/begin.ts",
      from: "start.memory.denied.filter((digest) => digest !== running.digest)",
      to: "start.memory.denied.filter(() => true)",
      caught: /is marked bad/,
    },
  ],
};
