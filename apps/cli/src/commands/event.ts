/** `moult event …`: what looked wrong in the fleet. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addEventList } from "./event/list.ts";
import { addEventWatch } from "./event/watch.ts";

/** Adds the group. */
export function addEventVerbs(program: Command, ports: Ports): void {
  const event = addGroup(program, "event", "See what looked wrong: copied keys, storms of asks, unknown builds");
  addEventList(event, ports);
  addEventWatch(event, ports);
}
