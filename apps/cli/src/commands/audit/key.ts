/** `moult audit key`: the key that a coordinator's log signs with, for auditors and witnesses. */
import { formatPublicKey } from "@moult/trust";
import { formatVkey } from "@moult/trust/audit";
import type { Command } from "commander";
import { join } from "node:path";
import { readVkey } from "../../audit/options.ts";
import { usageError } from "../../errors.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly stateDir?: string;
}

/** Adds the verb. */
export function addAuditKey(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "key",
    summary: "Print the public key of the log of a coordinator on this machine",
    detail:
      "Auditors and witnesses are given this line, on a way that does not lead through the coordinator. The key is made at " +
      "the coordinator's first start.",
    examples: ["moult audit key --state-dir ./state"],
  })
    .option("--state-dir <dir>", "state folder of the coordinator [MOULT_STATE_DIR]")
    .action((options: Options) => {
      const folder = options.stateDir ?? ports.env["MOULT_STATE_DIR"] ?? "";
      if (folder === "") throw usageError("Which coordinator?", "Give --state-dir DIR (MOULT_STATE_DIR).");
      const key = readVkey(join(folder, "audit", "log.vkey"), "note", "the log's key");
      const vkey = formatVkey(key);
      print(ports, options.output, {
        json: { vkey, origin: key.name, keyId: key.keyId, publicKey: formatPublicKey(key.publicKey) },
        table: () => `${vkey}\n`,
      });
    });
}
