/** `moult node …`: one node. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addNodeExplain } from "./node/explain.ts";
import { addNodeReadmit } from "./node/readmit.ts";

/** Adds the group. */
export function addNodeVerbs(program: Command, ports: Ports): void {
  const node = addGroup(program, "node", "Ask about one node, or let it out of quarantine");
  addNodeExplain(node, ports);
  addNodeReadmit(node, ports);
}
