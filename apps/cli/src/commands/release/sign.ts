/** `moult release sign`: a council member's vote on an allowlist. */
import { progressOf } from "@moult/trust/tuf";
import type { Command } from "commander";
import { type MetadataFile, naming, readMetadata } from "../../ceremony/files.ts";
import { rootOption, rootPaths } from "../../ceremony/options.ts";
import { type RootChain, readRoots } from "../../ceremony/roots.ts";
import { signMetadata } from "../../ceremony/sign-file.ts";
import { CliError, usageError } from "../../errors.ts";
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
      "--out; signing twice changes nothing. With --root a key that is none of the council's is refused, and " +
      "a --previous that no council of these roots approved.",
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
      const chain = roots.length === 0 ? undefined : readRoots(roots);
      if (previous !== undefined && chain !== undefined) requireApproved(previous, chain);
      const judge = chain?.newest;
      const { key, out } = options;
      const [force, yes] = [options.force === true, options.yes === true];
      print(ports, options.output, await signMetadata(ports, { file, key, previous, judge, out, force, yes }));
    });
}

/** What changes is told against --previous: one that nobody approved could hide a change. An earlier council may have signed. */
function requireApproved(previous: MetadataFile, { files }: RootChain): void {
  const isApproved = files.some((root) => naming(previous.path, () => progressOf(previous.bytes, root.bytes)).complete);
  if (isApproved) return;
  throw new CliError("VERIFICATION", `${previous.path} was not approved by the council of any of these roots.`, {
    advice: ["Take the list that is published, or give the roots of its time too: --root FILE"],
  });
}
