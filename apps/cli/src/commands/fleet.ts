/** `moult fleet …`: what there is and what moves. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addFleetGet } from "./fleet/get.ts";
import { addFleetWatch } from "./fleet/watch.ts";

/** Adds the group. */
export function addFleetVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "fleet", "Look at nodes and pools");
  addFleetGet(group, ports);
  addFleetWatch(group, ports);
}
