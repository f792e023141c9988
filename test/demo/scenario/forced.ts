/** Steps for `--force-gate 3`: everybody is ready, gate 3 is opened, everybody leaves at once, and the service fails. */
import type { Council } from "../fleet/council.ts";
import { NETWORK, POOL } from "../fleet/plan.ts";
import { noneCanBeSpared } from "./two-nodes.ts";
import { type ScenarioStep, runningBoxes } from "./world.ts";

/** Everybody staged, everybody kept. */
export const everybodyReadyStep: ScenarioStep = {
  title: "Load is high, the dial stands at everyone: all stage version 2, and gate 3 keeps all.",
  run: async (world) => {
    const { plan, releases } = world;
    world.ask(plan.highRps);
    await world.until("the coordinator sees the load", () => noneCanBeSpared(world));
    await world.moult(["dial", "set", releases.two.version, "everyone", "--yes"]);
    await world.moult(["nudge", "--release", releases.two.version]);
    const allKept = (): boolean => world.told().nodes.every(({ stayReason }) => stayReason === "CAPACITY_SHORT");
    await world.until("gate 3 has refused everybody", allKept);
    world.record("With load high, gate 3 kept every node although all were ready.");
  },
};

/** The override. */
export const overrideStep = (council: Council): ScenarioStep => ({
  title: "Gate 3 is forced open: everybody leaves at once, and requests fail.",
  run: async (world) => {
    const { plan, releases, traffic } = world;
    const signed = ["--network", NETWORK, "--key", council.operator.file];
    const more = ["--reason", "to show what gate 3 is for", "--deficit-rps", "1000000", "--for", "10m"];
    await world.moult(["override", "create", "--pool", POOL, ...more, "--allow-shard-and-domain", "--yes", ...signed]);
    await world.moult(["nudge", "--release", releases.two.version]);
    const moved = (): boolean => runningBoxes(world, releases.two.version).length === plan.boxes.length;
    await world.until("every node runs version 2", moved);
    world.tell(`${traffic().failed} requests failed`);
    world.record(`With gate 3 forced open all left at once, and ${traffic().failed} requests failed.`);
  },
});
