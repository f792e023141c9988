/** `moult release verify`: what a device will say of an allowlist, and of builds, said here. */
import { digestOf } from "@moult/trust";
import { type AllowedBuild, allowlistIn } from "@moult/trust/tuf";
import type { Command } from "commander";
import { readManifest } from "../../build/build-dir.ts";
import { verifyParts } from "../../build/verify-build.ts";
import { readMetadata } from "../../ceremony/files.ts";
import { rootOption, rootPaths } from "../../ceremony/options.ts";
import { fileAnswer, progressFor } from "../../ceremony/progress.ts";
import { summaryLines } from "../../ceremony/review.ts";
import { readRoots } from "../../ceremony/roots.ts";
import { CliError, usageError } from "../../errors.ts";
import { isFolder } from "../../files.ts";
import { print } from "../../output/print.ts";
import { progressLine } from "../../output/progress.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb, repeatable } from "../../verb.ts";

interface Options extends OutputOptions {
  readonly root: readonly string[];
  readonly build: readonly string[];
}

/** Adds the verb. */
export function addReleaseVerify(parent: Command, ports: Ports): void {
  addVerb(parent, {
    usage: "verify <file>",
    summary: "Verify an allowlist's quorum, and builds against it",
    detail:
      "Checks, as each device does, that the council's quorum signed the list and that it has not expired; and of each --build " +
      "that the list names it and that every part is what its manifest says. Exit code 6 where anything is not as it must be.",
    examples: ["moult release verify 2.targets.json --root root.json --build build/2.0.0"],
  })
    .addOption(rootOption())
    .addOption(repeatable("--build <dir>", "a build's folder that must be allowed and whole"))
    .action(async (path: string, options: Options) => {
      if (isFolder(path)) {
        throw usageError(`${path} is a folder.`, "Give the allowlist, and the folder as: --build DIR");
      }
      const file = readMetadata(path, "targets");
      const roots = readRoots(rootPaths(options.root, ports.env));
      const progress = progressFor(file, roots.newest);
      if (progress?.complete !== true) {
        const [quorum] = progress?.quorums ?? [];
        throw new CliError(
          "VERIFICATION",
          `${quorum?.signed.length ?? 0} of the ${quorum?.threshold ?? 0} council keys that are needed signed ${path}. (SIGNATURES_TOO_FEW)`,
          { advice: ["Have more members sign it: moult release sign FILE --key KEY"] },
        );
      }
      const list = allowlistIn(file.bytes);
      if (list.network !== roots.network.network) {
        throw new CliError("VERIFICATION", `${path} is of ${list.network}, and the root of ${roots.network.network}.`);
      }
      if (file.expiresMs <= ports.now()) {
        throw new CliError("VERIFICATION", `${path} expired at ${new Date(file.expiresMs).toISOString()}.`, {
          advice: [`Prolong it: moult release allow --from ${path} --out FILE`],
        });
      }
      const line = progressLine(ports);
      const builds: AllowedBuild[] = [];
      for (const dir of options.build) {
        const digest = digestOf(readManifest(dir));
        const build = list.builds.get(digest);
        if (build === undefined) throw new CliError("VERIFICATION", `The list does not name ${dir} (${digest}).`);
        await verifyParts(dir, line.show).finally(line.clear);
        builds.push(build);
      }
      const lines = summaryLines(file);
      print(
        ports,
        options.output,
        fileAnswer(file, progress, {
          json: {
            summary: [...lines],
            builds: builds.map(({ digest, version, releaseCounter, platform }) => ({
              digest,
              version,
              releaseCounter,
              platform: { ...platform },
            })),
          },
          lines: [...lines, ...builds.map(({ digest, version }) => `allowed and whole: ${version} ${digest}`)],
        }),
      );
    });
}
