/** `moult root …`: the keys of a network, in files that never meet a network. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addRootInit } from "./root/init.ts";
import { addRootMerge } from "./root/merge.ts";
import { addRootRotate } from "./root/rotate.ts";
import { addRootShow } from "./root/show.ts";
import { addRootSign } from "./root/sign.ts";

/** Adds the group. */
export function addRootVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "root", "Say whose keys count in a network, and replace them");
  addRootInit(group, ports);
  addRootRotate(group, ports);
  addRootSign(group, ports);
  addRootMerge(group, ports);
  addRootShow(group, ports);
}
