/** `moult witness key`: a witness's public key as logs and auditors are given it. */
import { derivePublicKey, formatPublicKey } from "@moult/trust";
import { AuditError, type VerifierKey, formatVkey, verifierKey } from "@moult/trust/audit";
import type { Command } from "commander";
import { usageError } from "../../errors.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";
import { readPrivateKey } from "../key/private-key.ts";

interface Options extends OutputOptions {
  readonly name: string;
  readonly key: string;
}

/** Adds the verb. */
export function addWitnessKey(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "key",
    summary: "Print a witness's public key, as a log's configuration and auditors want it",
    detail:
      "The name is part of the key: use the same one with `moult witness serve`. It looks like an address, and need be none.",
    examples: ["moult witness key --name witness.example/alice --key alice.key"],
  })
    .requiredOption("--name <name>", "the witness's name, without spaces and plus signs")
    .requiredOption("--key <file>", "its private key, as `moult key generate` makes it")
    .action((options: Options) => {
      const key = witnessKey(options.name, readPrivateKey(options.key, ports));
      const vkey = formatVkey(key);
      print(ports, options.output, {
        json: { vkey, name: key.name, keyId: key.keyId, publicKey: formatPublicKey(key.publicKey) },
        table: () => `${vkey}\n`,
      });
    });
}

/** The verifier's key of a witness. Throws CliError USAGE. */
export function witnessKey(name: string, privateKey: Uint8Array): VerifierKey {
  try {
    return verifierKey(name, "cosignature", derivePublicKey(privateKey));
  } catch (error) {
    if (error instanceof AuditError) throw usageError(`--name: ${error.message}`);
    throw error;
  }
}
