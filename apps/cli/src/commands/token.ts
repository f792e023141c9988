/** `moult token …`: tokens with which devices enrol. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addTokenCreate } from "./token/create.ts";

/** Adds the group. */
export function addTokenVerbs(program: Command, ports: Ports): void {
  addTokenCreate(addGroup(program, "token", "Make tokens with which devices enrol"), ports);
}
