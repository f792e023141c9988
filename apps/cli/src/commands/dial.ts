/** `moult dial …`: gate 2's setting for a release. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addDialGet } from "./dial/get.ts";
import { addDialSet } from "./dial/set.ts";

/** Adds the group. */
export function addDialVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "dial", "Say which nodes may move to a release");
  addDialGet(group, ports);
  addDialSet(group, ports);
}
