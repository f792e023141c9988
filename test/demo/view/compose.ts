/** Makes the picture of the moment out of what outside and coordinator say. Pure. */
import { CAPACITY_RPS, type FleetPlan } from "../fleet/plan.ts";
import type { Told } from "../fleet/told.ts";
import type { LoadFigures } from "../load/messages.ts";
import type { Seen } from "../observer/messages.ts";
import type { RoutedNode } from "../router/messages.ts";
import type { BoxScene, Scene } from "./scene.ts";

/** Everything the picture is made of. */
export interface Sources {
  readonly plan: FleetPlan;
  readonly told: Told;
  readonly seen: Seen;
  readonly traffic: LoadFigures;
  readonly routed: readonly RoutedNode[];
  readonly elapsedMs: number;
}

/** The picture. */
export function composeScene(sources: Sources): Scene {
  const { plan, told, seen, traffic, elapsedMs } = sources;
  return {
    boxes: plan.boxes.map(({ box, port }) => boxScene(box, port, sources)),
    capacityAllRps: plan.capacityRps,
    capacityServingRps: seen.servingCapacityRps,
    offeredRps: traffic.offeredRps,
    refusals: told.refusals,
    brake: told.nodes.some(({ stayReason }) => stayReason === "BRAKED"),
    requestsTotal: traffic.total,
    requestsFailed: traffic.failed,
    latencyP50Ms: traffic.latencyP50Ms,
    latencyP99Ms: traffic.latencyP99Ms,
    elapsedMs,
  };
}

/** A workload's own word wins where it says that it cannot work; else what the router does with the node. */
function boxScene(box: string, port: number, { told, seen, routed }: Sources): BoxScene {
  const door = seen.nodes.find((node) => node.box === box);
  const member = routed.find(({ endpoint }) => endpoint.endsWith(`:${port}`));
  const node = told.nodes.find((candidate) => candidate.box === box);
  const state = door?.phase === "FAILED" ? "failed" : (member?.state.toLowerCase() ?? "starting");
  const loadRps = door?.serving === true ? (node?.loadRps ?? 0) : 0;
  return { box, version: door?.version ?? "", state, loadRps, loadRatio: loadRps / CAPACITY_RPS };
}
