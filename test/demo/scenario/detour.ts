/** Step: a hotfix that cannot be reached from what the fleet runs. Gate 1 keeps everybody, the dial notwithstanding. */
import type { Council } from "../fleet/council.ts";
import { DETOUR_FROM } from "../fleet/releases.ts";
import { signAndPublish } from "./publish.ts";
import { type ScenarioStep, must, runningBoxes } from "./world.ts";

/** The step. */
export function detourStep(council: Council): ScenarioStep {
  return {
    title: "A hotfix for another version is dialled to everyone by mistake: gate 1 keeps all.",
    run: async (world) => {
      const { plan, releases } = world;
      await signAndPublish(world, council, releases.detour);
      const before = world.told().refusals.allowlist;
      await world.moult(["dial", "set", releases.detour.version, "everyone", "--yes"]);
      await world.moult(["nudge", "--release", releases.detour.version]);
      const everyoneAsked = (): boolean =>
        world.told().refusals.allowlist >= before + plan.boxes.length &&
        world.told().nodes.every(({ stayReason }) => stayReason === "FROM_VERSION");
      await world.until("every node has asked and was told to stay", everyoneAsked);
      must(runningBoxes(world, releases.two.version).length === plan.boxes.length, "a node took the wrong path");
      world.tell(`gate 1 refused all ${plan.boxes.length} nodes: it can be reached from ${DETOUR_FROM} only`);
      world.record(`A signed hotfix for ${DETOUR_FROM} was kept from every node by gate 1, whatever the dial said.`);
    },
  };
}
