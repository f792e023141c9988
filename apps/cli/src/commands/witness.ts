/** `moult witness …`: a witness of audit logs, for third parties to run. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addWitnessKey } from "./witness/key.ts";
import { addWitnessServe } from "./witness/serve.ts";

/** Adds the group. */
export function addWitnessVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "witness", "Watch other people's audit logs, and cosign what only grew");
  addWitnessServe(group, ports);
  addWitnessKey(group, ports);
}
