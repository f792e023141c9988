/** `moult key show`: the public half of a private key's file. */
import { derivePublicKey } from "@moult/trust";
import type { Command } from "commander";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";
import { keyAnswer } from "./answer.ts";
import { readPrivateKey } from "./private-key.ts";

/** Adds the verb. */
export function addKeyShow(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "show <file>",
    summary: "Show the public key and the key id of a private key's file",
    examples: ["moult key show alice.key", "moult key show alice.key -o json"],
  }).action((file: string, options: OutputOptions) => {
    print(ports, options.output, keyAnswer(derivePublicKey(readPrivateKey(file, ports)), file));
  });
}
