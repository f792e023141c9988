/** `moult root rotate`: the next root, with other keys or a later end. */
import { rootIn, rotateRoot } from "@moult/trust/tuf";
import type { Command } from "commander";
import { chosen, readMetadata, writeMetadata } from "../../ceremony/files.ts";
import { addOutput, lifetime } from "../../ceremony/options.ts";
import { fileAnswer, progressFor } from "../../ceremony/progress.ts";
import { summaryLines } from "../../ceremony/review.ts";
import { type RosterOptions, changeRoster } from "../../ceremony/roster.ts";
import { parseMomentMs } from "../../arguments/moment.ts";
import { usageError } from "../../errors.ts";
import { print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type OutputOptions, addVerb, repeatable } from "../../verb.ts";

interface Options extends OutputOptions, RosterOptions {
  readonly from: string;
  /** Milliseconds. */
  readonly for: number;
  readonly time?: string;
  readonly out: string;
  readonly force?: boolean;
}

/** Adds the verb. */
export function addRootRotate(parent: Command, ports: Ports): void {
  const verb = addVerb(parent, {
    usage: "rotate",
    summary: "Make the root that follows, with keys replaced, unsigned",
    detail:
      "What is not named stays. It counts once the quorum of the root before it and its own quorum have signed; then it goes " +
      "out with: moult metadata publish --root. Devices that were away for years follow from root to root, so keep every one. " +
      "--time is for when a stolen publisher's key has moved the time of devices ahead.",
    examples: [
      "moult root rotate --from root.json --drop council=council-2.json --add council=council-4.json --out 2.root.json",
      "moult root rotate --from root.json --drop publisher=old.json --add publisher=new.json --out 2.root.json",
    ],
  })
    .requiredOption("--from <file>", "the newest root")
    .addOption(repeatable("--add <role=key>", "a key that a role gets"))
    .addOption(repeatable("--drop <role=key>", "a key that a role loses"))
    .addOption(repeatable("--quorum <role=n>", "how many of a role's keys must sign", "as before"))
    .addOption(lifetime("how long this root counts; rotate it before", "1825d"))
    .option("--time <moment>", "set the time of every device: now, or as in 2026-12-01T00:00:00Z");
  addOutput(verb, "new file for the root, as in 2.root.json").action((options: Options) => {
    const before = readMetadata(options.from, "root");
    const roster = changeRoster(rootIn(before.bytes), options);
    const root = chosen(() =>
      rotateRoot(before.bytes, { ...roster, expiresMs: ports.now() + options.for, ...timeOf(options, ports) }),
    );
    writeMetadata(options.out, root, options.force === true);
    const file = readMetadata(options.out, "root");
    const lines = summaryLines(file, before);
    print(ports, options.output, fileAnswer(file, progressFor(file, before), { json: { summary: [...lines] }, lines }));
  });
}

function timeOf({ time }: Options, ports: Ports): { readonly timeMs?: number } {
  if (time === undefined) return {};
  const timeMs = parseMomentMs(time, ports.now());
  if (timeMs === undefined) throw usageError(`--time: "${time}" is no moment.`, "Write now, or 2026-12-01T00:00:00Z.");
  return { timeMs };
}
