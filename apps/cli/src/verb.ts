/** How a verb is added: its help with examples, the form of its answer, and the options by which a coordinator is found. */
import { type Command, Option } from "commander";
import { parseDurationMs } from "./arguments/duration.ts";
import type { ConnectionOptions } from "./connection/settings.ts";
import { collect } from "./arguments/pairs.ts";
import { CliError } from "./errors.ts";
import { FORMATS, type Format } from "./output/print.ts";

/** What is told of a verb. */
export interface VerbText {
  /** Name and arguments, as in `get <release>`. */
  readonly usage: string;
  /** One line without a full stop, for lists. */
  readonly summary: string;
  /** More, for the verb's own help. */
  readonly detail?: string;
  /** Command lines, at least one. */
  readonly examples: readonly [string, ...string[]];
}

/** Every verb has these. */
export interface OutputOptions {
  readonly output: Format;
}

/** Every verb that calls a coordinator has these. */
export interface CallOptions extends OutputOptions, ConnectionOptions {}

/** How long a call may take where nothing else was said. */
const TIMEOUT_DEFAULT = "15s";

/** Adds a group of verbs. */
export function addGroup(parent: Command, name: string, summary: string): Command {
  return parent.command(name).summary(summary).description(`${summary}.`);
}

/** Adds a verb that works on this machine only. */
export function addVerb(parent: Command, text: VerbText): Command {
  const description = text.detail === undefined ? `${text.summary}.` : `${text.summary}.\n\n${text.detail}`;
  const examples = text.examples.map((line) => `  $ ${line}`).join("\n");
  return parent
    .command(text.usage)
    .summary(text.summary)
    .description(description)
    .addOption(new Option("-o, --output <form>", "form of the answer").choices(FORMATS).default("table"))
    .addHelpText("after", `\n${text.examples.length === 1 ? "Example" : "Examples"}:\n${examples}`);
}

/** Adds a verb that calls a coordinator. */
export function addCall(parent: Command, text: VerbText): Command {
  return addVerb(parent, text)
    .option(
      "--state-dir <dir>",
      "state folder of a coordinator on this machine; says all that follows [MOULT_STATE_DIR]",
    )
    .option("--coordinator <host:port>", "where the coordinator listens [MOULT_COORDINATOR]")
    .option("--artifacts <url>", "where parts are uploaded to, https only [MOULT_ARTIFACTS]")
    .option("--ca <file>", "PEM file of the authority to trust; the machine's own where not given [MOULT_CA]")
    .option("--token-file <file>", "file with the operator's token [MOULT_TOKEN_FILE]")
    .option("--cert <file>", "PEM file with the operator's certificate, instead of a token [MOULT_CERT]")
    .option("--cert-key <file>", "PEM file with the key of --cert [MOULT_CERT_KEY]")
    .addOption(
      new Option("--timeout <duration>", "how long one call may take")
        .default(parseDurationMs(TIMEOUT_DEFAULT), TIMEOUT_DEFAULT)
        .argParser(about("--timeout", parseDurationMs)),
    );
}

/** An option that may be given several times; `none` says what its absence means. */
export function repeatable(flags: string, description: string, none = "none"): Option {
  return new Option(flags, `${description}; repeat for more`).default([], none).argParser(collect);
}

/** A reader of an option's value whose errors say which option it was. */
export function about<T>(option: string, read: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      throw new CliError(error.kind, `${option}: ${error.message}`, { advice: error.advice, cause: error });
    }
  };
}
