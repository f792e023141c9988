/** `moult metadata …`: the publisher's work, and what is published. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addMetadataMirror } from "./metadata/mirror.ts";
import { addMetadataPublish } from "./metadata/publish.ts";
import { addMetadataRenew } from "./metadata/renew.ts";
import { addMetadataStatus } from "./metadata/status.ts";

/** Adds the group. */
export function addMetadataVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "metadata", "Publish what the key holders signed, and keep it fresh");
  addMetadataPublish(group, ports);
  addMetadataRenew(group, ports);
  addMetadataStatus(group, ports);
  addMetadataMirror(group, ports);
}
