/** Step: the dial at everyone, and a nudge. The fleet moves, as many at a time as the traffic can spare. */
import { type ScenarioStep, runningBoxes } from "./world.ts";

/** The longest a fleet may take, in milliseconds. */
const FLEET_MOVES_MS = 90_000;

/** The step. */
export const everyoneStep: ScenarioStep = {
  title: "The dial stands at everyone: the fleet moves, never more at once than it can spare.",
  run: async (world) => {
    const { plan, releases, told, seen } = world;
    await world.moult(["dial", "set", releases.two.version, "everyone", "--yes"]);
    await world.moult(["nudge", "--release", releases.two.version]);
    const all = (): boolean =>
      runningBoxes(world, releases.two.version).length === plan.boxes.length &&
      told().nodes.every(({ outcome }) => outcome === "COMMITTED");
    await world.until("every node runs and has committed version 2", all, FLEET_MOVES_MS);
    world.tell(
      `all ${plan.boxes.length} run version ${releases.two.version}; at most ${seen().awayAtOnceMax} were away`,
    );
    world.record(
      `With the dial at everyone the rest followed by itself, at most ${seen().awayAtOnceMax} away at the same time.`,
    );
  },
};
