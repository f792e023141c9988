/** `moult token …`: tokens with which devices enrol. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addTokenCreate } from "./token/create.ts";
import { addTokenList } from "./token/list.ts";
import { addTokenRevoke } from "./token/revoke.ts";

/** Adds the group. */
export function addTokenVerbs(program: Command, ports: Ports): void {
  const token = addGroup(program, "token", "Make, list and revoke tokens with which devices enrol");
  addTokenCreate(token, ports);
  addTokenList(token, ports);
  addTokenRevoke(token, ports);
}
