/** `moult coordinator …`: what keeps the fleet. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addCoordinatorStatus } from "./coordinator/status.ts";

/** Adds the group. */
export function addCoordinatorVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "coordinator", "Look at the coordinators themselves");
  addCoordinatorStatus(group, ports);
}
