/** Step: published is not released. The dial stands at nobody, and a nudge changes no answer. */
import { type ScenarioStep, must, runningBoxes } from "./world.ts";

/** The step. */
export const dialNobodyStep: ScenarioStep = {
  title: "The dial stands at nobody: all nodes are nudged, all ask, none moves.",
  run: async (world) => {
    const { boxes } = world.plan;
    const before = world.told().refusals.dial;
    await world.moult(["nudge", "--release", world.releases.two.version]);
    const everyoneAsked = (): boolean =>
      world.told().refusals.dial >= before + boxes.length &&
      world.told().nodes.every(({ stayReason }) => stayReason === "DIAL_NOBODY");
    await world.until("every node has asked and was told to stay", everyoneAsked);
    must(
      runningBoxes(world, world.releases.one.version).length === boxes.length,
      "a node moved with the dial at nobody",
    );
    must(world.seen().awayAtOnceMax === 0, "a node left with the dial at nobody");
    world.tell(`gate 2 refused all ${boxes.length} nodes; nobody left`);
    world.record(`With the dial at nobody, ${boxes.length} nodes asked and stayed, nudge or not.`);
  },
};
