/** `moult key …`: keys, on the machines of those who hold them. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addKeyGenerate } from "./key/generate.ts";
import { addKeyPin } from "./key/pin.ts";
import { addKeyShow } from "./key/show.ts";
import { addKeyTls } from "./key/tls.ts";

/** Adds the group. */
export function addKeyVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "key", "Make and show keys");
  addKeyGenerate(group, ports);
  addKeyShow(group, ports);
  addKeyTls(group, ports);
  addKeyPin(group, ports);
}
