/** Options that several ceremonies share, worded once. */
import { type Command, Option } from "commander";
import { parseDurationMs } from "../arguments/duration.ts";
import type { Ports } from "../ports.ts";
import { about, repeatable } from "../verb.ts";

/** `--for`: how long something holds. */
export function lifetime(what: string, byDefault: string): Option {
  return new Option("--for <duration>", what)
    .default(parseDurationMs(byDefault), byDefault)
    .argParser(about("--for", parseDurationMs));
}

/** `--root`: the chain of roots that the caller trusts. */
export function rootOption(): Option {
  return repeatable("--root <file>", "the root you trust, and those that follow it [MOULT_ROOT]", "MOULT_ROOT");
}

/** The paths of roots: as given, or the one in the environment. */
export function rootPaths(given: readonly string[], env: Ports["env"]): readonly string[] {
  const variable = env["MOULT_ROOT"] ?? "";
  return given.length > 0 || variable === "" ? given : [variable];
}

/** `--out` and `--force`. */
export function addOutput(verb: Command, what: string): Command {
  return verb.requiredOption("--out <file>", what).option("--force", "replace a file that is there");
}
