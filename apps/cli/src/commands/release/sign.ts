/** `moult release sign`: a council member's vote on an allowlist. */
import type { Command } from "commander";
import { readMetadata } from "../../ceremony/files.ts";
import { rootOption, rootPaths } from "../../ceremony/options.ts";
import { readRoots } from "../../ceremony/roots.ts";
import { signMetadata } from "../../ceremony/sign-file.ts";
import { usageError } from "../../errors.ts";
import { isFolder } from "../../files.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly key: string;
  readonly previous?: string;
  readonly root: readonly string[];
  readonly out?: string;
  readonly force?: boolean;
  readonly yes?: boolean;
}

/** Adds the verb. */
export function addReleaseSign(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "sign <file>",
    summary: "Sign an allowlist with one council key, after being shown what it changes",
    detail:
      "Signing is approval. Shows what changes against --previous, and the digest of what is signed: compare it with the " +
      "other members by voice. Needs no network; carry the file by hand. The signature is added to the file, or to a copy in " +
      "--out; signing twice changes nothing. With --root a key that is none of the council's is refused.",
    examples: [
      "moult release sign 2.targets.json --previous 1.targets.json --root root.json --key council-1.key",
      "moult release sign 2.targets.json --previous 1.targets.json --key council-2.key --out 2.targets.signed-2.json",
    ],
  })
    .requiredOption("--key <file>", "your private key")
    .option("--previous <file>", "the allowlist that holds now, to see what changes")
    .addOption(rootOption())
    .option("--out <file>", "new file for the signed list; the same file where not given")
    .option("--force", "replace a file that is there")
    .option("-y, --yes", "do not ask")
    .action(async (path: string, options: Options) => {
      if (isFolder(path)) {
        throw usageError(`${path} is a folder; what is signed is the allowlist.`, "Make one with: moult release allow");
      }
      const file = readMetadata(path, "targets");
      const previous = options.previous === undefined ? undefined : readMetadata(options.previous, "targets");
      const roots = rootPaths(options.root, ports.env);
      const judge = roots.length === 0 ? undefined : readRoots(roots).newest;
      const { key, out } = options;
      const [force, yes] = [options.force === true, options.yes === true];
      print(ports, options.output, await signMetadata(ports, { file, key, previous, judge, out, force, yes }));
    });
}
