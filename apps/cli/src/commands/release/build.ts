/** `moult release build`: makes one platform's build from files. */
import type { Command } from "commander";
import { collect } from "../../arguments/pairs.ts";
import { wholeNumber } from "../../arguments/numbers.ts";
import { buildRelease } from "../../build/build-release.ts";
import { print } from "../../output/print.ts";
import { progressLine } from "../../output/progress.ts";
import { renderPairs, renderTable } from "../../output/table.ts";
import { formatBytes, shortDigest } from "../../output/text.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, about, addVerb, repeatable } from "../../verb.ts";
import { type BuildFlags, readBuildFlags } from "./build-flags.ts";

interface Options extends OutputOptions, BuildFlags {
  readonly out: string;
  readonly link?: boolean;
}

const COUNTER_MAX = Number.MAX_SAFE_INTEGER;
/** An hour, as the manifest allows. */
const TRIAL_MS_MAX = 3_600_000;

/** 9999-12-31, as the manifest allows. */
const BUILT_AT_S_MAX = 253_402_300_799;

/** Adds the verb. */
export function addReleaseBuild(parent: Command, ports: Ports): void {
  const { os, arch } = ports.host;
  addVerb(parent, {
    usage: "build",
    summary: "Make one platform's build of a release",
    detail:
      "Copies each part to DIR/parts under its digest and writes DIR/manifest.json, which names them. The digest of the " +
      "manifest is the build's: it is what the council signs. The same input always gives the same digest.\n\n" +
      "In --workload-command, {slot} stands for the folder the build is started from. It may be repeated, and a word that " +
      "begins with - is written as --workload-command=WORD.",
    examples: [
      "moult release build --network demo --version 2.0.0 --counter 2 --from 1.0.0 \\\n" +
        "      --part runtime/node=/usr/bin/node --part agent/agent.mjs=dist/agent.mjs --part workload/server.mjs=server.mjs \\\n" +
        "      --workload-command {slot}/runtime/node {slot}/workload/server.mjs --out build/2.0.0",
      "moult release build --network demo --version 2.0.0 --counter 2 --platform linux-arm64 \\\n" +
        "      --part runtime/node=node-arm64 --part agent/agent.mjs=dist/agent.mjs --workload-kind none --out build/2.0.0-arm64",
    ],
  })
    .requiredOption("--network <name>", "network the build is for")
    .requiredOption("--version <version>", "version as people write it")
    .requiredOption(
      "--counter <n>",
      "release counter, higher than any before",
      about("--counter", wholeNumber(1, COUNTER_MAX)),
    )
    .option("--platform <os-arch>", "platform the build is for", `${os}-${arch}`)
    .addOption(repeatable("--from <version>", "version it can be reached from", "any"))
    .requiredOption("--part <path=file>", "a part: its path in a slot, and the file to take; repeat for each", collect)
    .addOption(repeatable("--executable <path>", "a part that is started, besides the runtime and hooks"))
    .option("--runtime <path>", "part that runs the agent", "runtime/node")
    .option("--agent <path>", "part that is the agent", "agent/agent.mjs")
    .option(
      "--workload-kind <kind>",
      "work-service, hooks or none; work-service where a command is given, hooks where a folder is",
    )
    .option("--workload-command <word...>", "command line of a workload that serves WorkService")
    .option("--hooks-dir <path>", "folder in a slot with executables situation, drain, restore, start and stop")
    .option(
      "--health-timeout-ms <n>",
      "on trial, the workload must serve within this time",
      about("--health-timeout-ms", wholeNumber(1, TRIAL_MS_MAX)),
      10_000,
    )
    .option(
      "--soak-ms <n>",
      "and then stay healthy for this long",
      about("--soak-ms", wholeNumber(0, TRIAL_MS_MAX)),
      1000,
    )
    .option(
      "--built-at <seconds>",
      "when it was built, in seconds since 1970 (SOURCE_DATE_EPOCH); devices take it as signed time",
      about("--built-at", wholeNumber(0, BUILT_AT_S_MAX)),
    )
    .option("--link", "link files instead of copying them; they must never change again")
    .requiredOption("--out <dir>", "folder for the build")
    .action(async (options: Options) => {
      const progress = progressLine(ports);
      const { out, link } = options;
      const input = readBuildFlags(options);
      const build = await buildRelease(input, { out, link: link === true, onProgress: progress.show }).finally(
        progress.clear,
      );
      const { manifest, digest } = build;
      print(ports, options.output, {
        json: {
          dir: out,
          digest,
          version: manifest.version,
          releaseCounter: manifest.release_counter,
          platform: { ...manifest.platform },
          parts: manifest.parts.map((part) => ({ ...part })),
        },
        table: (style) =>
          renderPairs(
            [
              ["build", `${manifest.version} (counter ${manifest.release_counter})`],
              ["digest", digest],
              ["folder", out],
            ],
            style,
          ) +
          renderTable(
            {
              head: ["PART", "LENGTH", "DIGEST"],
              rows: manifest.parts.map((part) => [part.path, formatBytes(part.length_bytes), shortDigest(part.digest)]),
            },
            style,
            "",
          ),
      });
    });
}
