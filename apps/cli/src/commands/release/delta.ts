/** `moult release delta`: makes deltas between builds, so that an update moves fewer bytes. */
import type { Command } from "commander";
import { readUnsignedBuild } from "../../build/build-dir.ts";
import { type DeltaFile, makeDeltas } from "../../build/deltas.ts";
import { print } from "../../output/print.ts";
import { progressLine } from "../../output/progress.ts";
import { renderTable } from "../../output/table.ts";
import { formatBytes } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb, repeatable } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly from: readonly string[];
  readonly to: string;
}

/** Adds the verb. */
export function addReleaseDelta(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "delta",
    summary: "Make deltas to a build, and pack its parts",
    detail:
      "For each part that a --from build has in another form at the same path, writes what makes the new part of the old " +
      "one to DIR/deltas; for each part, its bytes packed to DIR/packed. `moult release publish` uploads them with the " +
      "build. A device takes a delta from what it runs where there is one, else the packed part, else the part; whatever " +
      "came is verified as the part. Nothing here needs a signature, and repeating it makes nothing twice.",
    examples: ["moult release delta --from build/1.9.0 --from build/1.8.0 --to build/2.0.0"],
  })
    .addOption(repeatable("--from <dir>", "a build that devices run now", "only pack the parts"))
    .requiredOption("--to <dir>", "the build that they are to move to")
    .action(async ({ from, to, output }: Options) => {
      const progress = progressLine(ports);
      const options = { from: from.map(readUnsignedBuild), onProgress: progress.show };
      const made = await makeDeltas(readUnsignedBuild(to), options).finally(progress.clear);
      print(ports, output, {
        json: {
          dir: to,
          deltas: made.map(({ part, fromVersion, name, partBytes, lengthBytes }) => ({
            part,
            fromVersion: fromVersion ?? null,
            name,
            partBytes,
            lengthBytes: lengthBytes ?? null,
          })),
        },
        table: (style) =>
          renderTable({ head: ["PART", "FROM", "PART'S LENGTH", "MOVES"], rows: made.map(rowOf) }, style, "no parts"),
      });
    });
}

function rowOf({ part, fromVersion, partBytes, lengthBytes }: DeltaFile): readonly [string, string, string, string] {
  const moves = lengthBytes === undefined ? "no less than the part" : formatBytes(lengthBytes);
  return [part, fromVersion ?? "nothing", formatBytes(partBytes), moves];
}
