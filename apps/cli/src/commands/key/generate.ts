/** `moult key generate`: makes a key pair and keeps the private half in a file that only its owner reads. */
import { generateKey, writeKeyFile } from "@moult/trust";
import type { Command } from "commander";
import { writeNew } from "../../files.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";
import { keyAnswer } from "./answer.ts";

/** Read and write for the owner, nothing for others. */
const KEY_FILE_MODE = 0o600;

interface Options extends OutputOptions {
  readonly out: string;
}

/** Adds the verb. */
export function addKeyGenerate(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "generate",
    summary: "Make a new key",
    detail:
      "Writes the private key to a new file (PKCS #8 PEM, mode 0600; one that is there is never replaced) and prints the " +
      "public key, which is what goes into the root: moult root init. Keep the file of a root or council key offline: who has " +
      "it can sign for you.",
    examples: ["moult key generate --out alice.key"],
  })
    .requiredOption("--out <file>", "new file for the private key")
    .action((options: Options) => {
      const { privateKey, publicKey } = generateKey(ports.randomSeed());
      writeNew(options.out, new TextEncoder().encode(writeKeyFile(privateKey)), KEY_FILE_MODE);
      print(ports, options.output, keyAnswer(publicKey, options.out));
    });
}
