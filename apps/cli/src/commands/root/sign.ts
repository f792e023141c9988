/** `moult root sign`: a root member's signature on a root. */
import type { Command } from "commander";
import { readMetadata } from "../../ceremony/files.ts";
import { signMetadata } from "../../ceremony/sign-file.ts";
import { usageError } from "../../errors.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly key: string;
  readonly previous?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Adds the verb. */
export function addRootSign(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "sign <file>",
    summary: "Sign a root with one root key, after being shown what it says",
    detail:
      "Shows what changes against --previous, and the digest of what is signed: compare it with the other members by voice. " +
      "Needs no network; carry the file by hand. The signature is added to the file, or to a copy in --out; signing twice " +
      "changes nothing. Members may sign copies apart, brought together by: moult root merge.",
    examples: [
      "moult root sign root.json --key root-1.key",
      "moult root sign 2.root.json --previous root.json --key root-1.key --out 2.root.signed-1.json",
    ],
  })
    .requiredOption("--key <file>", "your private key")
    .option("--previous <file>", "the root before it; needed from version 2 on")
    .option("--out <file>", "new file for the signed root; the same file where not given")
    .option("--force", "replace a file that is there")
    .option("-y, --yes", "do not ask")
    .action(async (path: string, options: Options) => {
      const file = readMetadata(path, "root");
      const previous = options.previous === undefined ? undefined : readMetadata(options.previous, "root");
      if (previous === undefined && file.version > 1) {
        throw usageError(`${path} is version ${file.version}.`, "Give the root before it: --previous FILE");
      }
      const { key, out } = options;
      const [force, yes] = [options.force === true, options.yes === true];
      print(
        ports,
        options.output,
        await signMetadata(ports, { file, key, previous, judge: previous, out, force, yes }),
      );
    });
}
