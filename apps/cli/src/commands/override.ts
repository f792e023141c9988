/** `moult override …`: leave to pass gate 3, for a reason and for a time. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addOverrideCreate } from "./override/create.ts";
import { addOverrideDelete } from "./override/delete.ts";
import { addOverrideList } from "./override/list.ts";

/** Adds the group. */
export function addOverrideVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "override", "Let nodes pass the capacity gate although it refuses");
  addOverrideCreate(group, ports);
  addOverrideList(group, ports);
  addOverrideDelete(group, ports);
}
