/** `moult brake …`: stops all new moves at once. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addBrakeEngage } from "./brake/engage.ts";
import { addBrakeRelease } from "./brake/release.ts";
import { addBrakeSign } from "./brake/sign.ts";
import { addBrakeStatus } from "./brake/status.ts";
import { addBrakeSubmit } from "./brake/submit.ts";

/** Adds the group. */
export function addBrakeVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "brake", "Stop all new moves, and let them go on");
  addBrakeEngage(group, ports);
  addBrakeRelease(group, ports);
  addBrakeSign(group, ports);
  addBrakeSubmit(group, ports);
  addBrakeStatus(group, ports);
}
