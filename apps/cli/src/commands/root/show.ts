/** `moult root show`: what a root says, what it changes, and who has signed it. */
import type { Command } from "commander";
import { readMetadata } from "../../ceremony/files.ts";
import { fileAnswer, progressFor } from "../../ceremony/progress.ts";
import { summaryLines } from "../../ceremony/review.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly previous?: string;
}

/** Adds the verb. */
export function addRootShow(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "show <file>",
    summary: "Show what a root says, what it changes and who has signed it",
    detail: "With --previous, what is new begins with +, what is gone with -, what differs with ~.",
    examples: ["moult root show root.json", "moult root show 2.root.json --previous root.json -o json"],
  })
    .option("--previous <file>", "the root before it")
    .action((path: string, options: Options) => {
      const file = readMetadata(path, "root");
      const previous = options.previous === undefined ? undefined : readMetadata(options.previous, "root");
      const lines = summaryLines(file, previous);
      const progress = progressFor(file, previous);
      print(ports, options.output, fileAnswer(file, progress, { json: { summary: [...lines] }, lines }));
    });
}
