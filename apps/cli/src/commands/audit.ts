/** `moult audit …`: the coordinator's history, checked by somebody who believes nobody. */
import type { Command } from "commander";
import type { Ports } from "../ports.ts";
import { addGroup } from "../verb.ts";
import { addAuditExport } from "./audit/export.ts";
import { addAuditKey } from "./audit/key.ts";
import { addAuditProve } from "./audit/prove.ts";
import { addAuditTail } from "./audit/tail.ts";
import { addAuditVerify } from "./audit/verify.ts";

/** Adds the group. */
export function addAuditVerbs(program: Command, ports: Ports): void {
  const group = addGroup(program, "audit", "Read and re-check a coordinator's audit log");
  addAuditVerify(group, ports);
  addAuditTail(group, ports);
  addAuditExport(group, ports);
  addAuditProve(group, ports);
  addAuditKey(group, ports);
}
