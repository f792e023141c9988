/** `moult root merge`: the signatures of members who signed apart, in one file. */
import type { Command } from "commander";
import { readMetadata } from "../../ceremony/files.ts";
import { addOutput } from "../../ceremony/options.ts";
import { mergeMetadata } from "../../ceremony/sign-file.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly previous?: string;
  readonly out: string;
  readonly force?: boolean;
}

/** Adds the verb. */
export function addRootMerge(parent: Command, ports: Ports): void {
  const verb = addVerb(parent, {
    usage: "merge <file...>",
    summary: "Bring the signatures of several copies of one root together",
    detail: "The copies must carry the same root. A bad signature cannot take the place of a good one.",
    examples: ["moult root merge 2.root.signed-1.json 2.root.signed-2.json --previous root.json --out 2.root.json"],
  }).option("--previous <file>", "the root before it, to see whose signatures are missing");
  addOutput(verb, "file for the root with all signatures").action((paths: readonly string[], options: Options) => {
    const judge = options.previous === undefined ? undefined : readMetadata(options.previous, "root");
    const { out, force } = options;
    print(ports, options.output, mergeMetadata({ kind: "root", paths, judge, out, force: force === true }));
  });
}
