/** Steps: two nodes are named. While load is high gate 3 keeps them; when it falls they go, by asking again. */
import { CAPACITY_RPS } from "../fleet/plan.ts";
import { type ScenarioStep, type World, must, namingBoxes, runningBoxes } from "./world.ts";

/** How many are let go first. */
const NAMED = 2;

/** The boxes that are let go first. */
export function firstBoxes(world: World): string[] {
  return world.plan.boxes.slice(0, NAMED).map(({ box }) => box);
}

/** Whether gate 3 would keep even one node: what has to stay is more than all but one can carry, and by a margin. */
export function noneCanBeSpared(world: World): boolean {
  return world.told().needRps > world.plan.capacityRps - CAPACITY_RPS / 2;
}

/** Named, staged, and kept by gate 3. */
export const refusedByCapacityStep: ScenarioStep = {
  title: "Load is high and two nodes are named: they stage version 2, but gate 3 keeps them.",
  run: async (world) => {
    const { plan, releases } = world;
    const named = firstBoxes(world);
    world.ask(plan.highRps);
    world.tell(`${plan.highRps} of ${plan.capacityRps} requests a second are asked for now`);
    await world.until("the coordinator sees the load", () => noneCanBeSpared(world));
    await world.moult(["dial", "set", releases.two.version, "named", ...namingBoxes(named)]);
    await world.moult(["nudge", "--release", releases.two.version]);
    const kept = (): string[] =>
      world.told().nodes.flatMap(({ box, stayReason }) => (stayReason === "CAPACITY_SHORT" ? [box] : []));
    await world.until("gate 3 has refused both", () => named.every((box) => kept().includes(box)));
    const node = world.told().nodes.find(({ box }) => box === named[0])?.node ?? "";
    const explained = await world.moult(["node", "explain", node]);
    for (const line of explained.stdout.split("\n").filter((text) => /[✓✗]/.test(text))) world.tell(line);
    must(world.seen().awayAtOnceMax === 0, "a node left although gate 3 refused");
    world.record(`At ${plan.highRps} of ${plan.capacityRps} requests a second gate 3 kept the two named nodes.`);
  },
};

/** The load falls, and nothing else is done. */
export const loadFallsStep: ScenarioStep = {
  title: "The load falls: the same two nodes ask again, and go.",
  run: async (world) => {
    const { plan, releases } = world;
    const named = firstBoxes(world);
    world.ask(plan.lowRps);
    const moved = (): string[] => runningBoxes(world, releases.two.version);
    const committed = (): boolean =>
      world.told().nodes.every(({ box, outcome }) => (outcome === "COMMITTED") === named.includes(box));
    await world.until("both run and have committed version 2", () => moved().length === NAMED && committed());
    must(
      moved().every((box) => named.includes(box)),
      `others than ${named.join(" and ")} moved`,
    );
    world.tell(`${named.join(" and ")} run version ${releases.two.version}; nobody else does`);
    world.record(`At ${plan.lowRps} requests a second they asked again, left and came back on version 2.`);
  },
};
