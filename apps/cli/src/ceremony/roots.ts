/** The chain of roots that somebody trusts, from files: the first is trusted because its holder says so, the others follow. */
import { type NetworkRoot, keptRoot, progressOf, rootIn } from "@moult/trust/tuf";
import { CliError, usageError } from "../errors.ts";
import { type MetadataFile, naming, readMetadata } from "./files.ts";

/** A chain of roots. */
export interface RootChain {
  /** In their order; the first is the one that was trusted beforehand. */
  readonly files: readonly [MetadataFile, ...MetadataFile[]];
  readonly newest: MetadataFile;
  readonly network: NetworkRoot;
}

/** Reads roots in any order. Throws CliError VERIFICATION where one does not follow the one before it. */
export function readRoots(paths: readonly string[]): RootChain {
  const read = paths.map((path) => readMetadata(path, "root")).toSorted((a, b) => a.version - b.version);
  const [first, ...others] = read;
  if (first === undefined) {
    throw usageError("Which network's keys?", "Give the root you trust: --root root.json (MOULT_ROOT).");
  }
  naming(first.path, () => keptRoot({ root: first.bytes, targets: new Map() }));
  let newest = first;
  for (const next of others) {
    const before = newest;
    const progress = naming(next.path, () => progressOf(next.bytes, before.bytes));
    if (!progress.complete) {
      throw new CliError(
        "VERIFICATION",
        `${next.path} lacks signatures, of ${before.path}'s root keys or of its own.`,
        {
          advice: [`See whose: moult root show ${next.path} --previous ${before.path}`],
        },
      );
    }
    newest = next;
  }
  return { files: [first, ...others], newest, network: rootIn(newest.bytes) };
}
