/** `moult release merge`: the votes of members who signed apart, in one file. */
import type { Command } from "commander";
import { addOutput, rootOption, rootPaths } from "../../ceremony/options.ts";
import { readRoots } from "../../ceremony/roots.ts";
import { mergeMetadata } from "../../ceremony/sign-file.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly root: readonly string[];
  readonly out: string;
  readonly force?: boolean;
}

/** Adds the verb. */
export function addReleaseMerge(parent: Command, ports: Ports): void {
  const verb = addVerb(parent, {
    usage: "merge <file...>",
    summary: "Bring the signatures of several copies of one allowlist together",
    detail: "The copies must carry the same list. With --root, a bad signature cannot take the place of a good one.",
    examples: [
      "moult release merge 2.targets.signed-1.json 2.targets.signed-2.json --root root.json --out 2.targets.json",
    ],
  }).addOption(rootOption());
  addOutput(verb, "file for the list with all signatures").action((paths: readonly string[], options: Options) => {
    const roots = rootPaths(options.root, ports.env);
    const judge = roots.length === 0 ? undefined : readRoots(roots).newest;
    const { out, force } = options;
    print(ports, options.output, mergeMetadata({ kind: "targets", paths, judge, out, force: force === true }));
  });
}
