/** `moult operator …`: credentials of those who operate. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addOperatorCert } from "./operator/cert.ts";

/** Adds the group. */
export function addOperatorVerbs(program: Command, ports: Ports): void {
  addOperatorCert(addGroup(program, "operator", "Make an operator's credentials"), ports);
}
