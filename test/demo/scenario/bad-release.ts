/** Steps: version 3 cannot work on the device. Two nodes find out and go back by themselves; the brake keeps the rest. */
import type { Council } from "../fleet/council.ts";
import { signAndPublish } from "./publish.ts";
import { type ScenarioStep, type World, must, namingBoxes, runningBoxes } from "./world.ts";

/** How many are let try it. */
const NAMED = 2;
/** Trial, revert and rejoin take longer than a move that goes well, in milliseconds. */
const GOES_BACK_MS = 60_000;

/** The boxes that are let try version 3: the last ones. */
export function boxesForThree(world: World): string[] {
  return world.plan.boxes.slice(-NAMED).map(({ box }) => box);
}

/** Two nodes try. */
export function badReleaseStep(council: Council): ScenarioStep {
  return {
    title: "Version 3 is broken, and nobody knows: two nodes try it, and go back by themselves.",
    run: async (world) => {
      const { plan, releases } = world;
      const named = boxesForThree(world);
      await signAndPublish(world, council, releases.three);
      await world.moult(["dial", "set", releases.three.version, "named", ...namingBoxes(named)]);
      await world.moult(["nudge", "--release", releases.three.version]);
      const reverted = (): string[] =>
        world.told().nodes.flatMap(({ box, outcome }) => (outcome === "REVERTED" ? [box] : []));
      const back = (): boolean =>
        reverted().length === NAMED && runningBoxes(world, releases.two.version).length === plan.boxes.length;
      await world.until("both have reverted and serve again", back, GOES_BACK_MS);
      const node = world.told().nodes.find(({ box }) => box === named[0]);
      world.tell(`${named.join(" and ")} are back on ${releases.two.version}: ${node?.outcomeMessage ?? ""}`);
      world.record(`Version 3 failed its health check on ${named.join(" and ")}; both went back by themselves.`);
    },
  };
}

/** The dial is turned all the same, under the brake. */
export const brakeStep: ScenarioStep = {
  title: "The brake is pulled: even with the dial at everyone nobody else tries version 3.",
  run: async (world) => {
    const { plan, releases } = world;
    const before = world.told().refusals.dial;
    const others = plan.boxes.length - NAMED;
    await world.moult(["brake", "engage", "--reason", "version 3 fails its health check"]);
    await world.moult(["dial", "set", releases.three.version, "everyone", "--yes"]);
    await world.moult(["nudge", "--release", releases.three.version]);
    const kept = (): boolean =>
      world.told().refusals.dial >= before + others &&
      world.told().nodes.filter(({ stayReason }) => stayReason === "BRAKED").length === others;
    await world.until("all the others have asked and were told to stay", kept);
    must(runningBoxes(world, releases.two.version).length === plan.boxes.length, "a node moved under the brake");
    world.tell(`gate 2 refused ${others} nodes; the two that tried will not try that build again`);
    world.record(`The brake kept the other ${others} from it, with the dial at everyone.`);
  },
};
