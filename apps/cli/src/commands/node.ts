/** `moult node …`: one node. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addNodeExplain } from "./node/explain.ts";

/** Adds the group. */
export function addNodeVerbs(program: Command, ports: Ports): void {
  addNodeExplain(addGroup(program, "node", "Ask about one node"), ports);
}
