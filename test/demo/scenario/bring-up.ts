/** Step: everything is up and works, before anything is asked of it. */
import { type ScenarioStep, runningBoxes } from "./world.ts";

/** Twelve agents start on two cores. In milliseconds. */
const FLEET_STARTS_MS = 90_000;
/** The load shows within a second or two; in milliseconds. */
const LOAD_SETTLES_MS = 15_000;

/** The step. Nodes, router and observer have been started. */
export const bringUpStep: ScenarioStep = {
  title: "The fleet comes up on version 1, and traffic begins.",
  run: async (world) => {
    const { plan, releases, told, seen, traffic } = world;
    const all = (): boolean =>
      runningBoxes(world, releases.one.version).length === plan.boxes.length &&
      told().nodes.length === plan.boxes.length &&
      told().nodes.every(({ state }) => state === "SERVING");
    await world.until("every node serves", all, FLEET_STARTS_MS);
    world.beginMeasuring();
    world.ask(plan.lowRps);
    await world.until("requests are answered", () => traffic().total > plan.lowRps, LOAD_SETTLES_MS);
    world.tell(`${plan.boxes.length} boxes carry up to ${seen().servingCapacityRps} requests a second`);
    world.record(`${plan.boxes.length} boxes came up on version 1, each with its own agent, launcher and workload.`);
  },
};
