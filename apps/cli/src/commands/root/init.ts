/** `moult root init`: the first root of a network, for its root members to sign. */
import { initRoot } from "@moult/trust/tuf";
import type { Command } from "commander";
import { chosen, readMetadata, writeMetadata } from "../../ceremony/files.ts";
import { addOutput, lifetime } from "../../ceremony/options.ts";
import { fileAnswer, progressFor } from "../../ceremony/progress.ts";
import { summaryLines } from "../../ceremony/review.ts";
import { ROLES, type RosterOptions, newRoster } from "../../ceremony/roster.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb, repeatable } from "../../verb.ts";

interface Options extends OutputOptions, RosterOptions {
  readonly network: string;
  /** Milliseconds. */
  readonly for: number;
  readonly out: string;
  readonly force?: boolean;
}

/** Adds the verb. */
export function addRootInit(parent: Command, ports: Ports): void {
  const verb = addVerb(parent, {
    usage: "init",
    summary: "Make the first root of a network, unsigned",
    detail:
      `Names the keys of each role; a role is one of ${ROLES.join(", ")}. A key is 64 hexadecimal digits, or a file with ` +
      "them, such as `moult key show -o json` prints; server and spare are SHA-256 of a coordinator's TLS key, or PEM files. " +
      "Nothing private goes in. The root members then sign it apart from each other: moult root sign.",
    examples: [
      "moult root init --network example --add root=root-1.json --add root=root-2.json --add root=root-3.json --quorum root=2 " +
        "--add council=council-1.json --add council=council-2.json --add council=council-3.json --quorum council=2 " +
        "--add publisher=publisher.json --add breaker=breaker.json --out root.json",
    ],
  })
    .requiredOption("--network <id>", "the network's id: lowercase letters, digits and hyphens; it never changes")
    .addOption(repeatable("--add <role=key>", "a key of a role"))
    .addOption(repeatable("--quorum <role=n>", "how many of a role's keys must sign", "publisher=1"))
    .addOption(lifetime("how long this root counts; rotate it before", "1825d"));
  addOutput(verb, "new file for the root").action((options: Options) => {
    const expiresMs = ports.now() + options.for;
    const roster = newRoster({ ...options, drop: [] });
    const root = chosen(() => initRoot({ network: options.network, expiresMs, ...roster }));
    writeMetadata(options.out, root, options.force === true);
    const file = readMetadata(options.out, "root");
    const lines = summaryLines(file);
    print(
      ports,
      options.output,
      fileAnswer(file, progressFor(file, undefined), { json: { summary: [...lines] }, lines }),
    );
  });
}
