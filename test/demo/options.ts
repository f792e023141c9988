/** The demo's command line. Pure: words in, options or a sentence about what is wrong out. */
import { parseArgs } from "node:util";

/** What was asked for. */
export interface Options {
  /** Print one JSON object as the last line. */
  readonly json: boolean;
  /** Leave everything up at the end, until Ctrl-C. */
  readonly keep: boolean;
  /** Open gate 3 so that everybody leaves at once. */
  readonly forceCapacityGate: boolean;
  readonly nodes: number;
  /** Seed of the traffic. */
  readonly seed: number;
  /** Folder to which the processes' logs are copied at the end. */
  readonly logsTo: string | undefined;
  readonly help: boolean;
}

export const HELP = `Moult's demo: a release moves through a living fleet, and nobody outside notices.

  npm run demo -- [options]

  --json            print one JSON object as the last line; progress goes to standard error, and no time is left to look
  --keep            leave everything up at the end, and say how to use it, until Ctrl-C
  --force-gate 3    open gate 3 so that everybody leaves at once: then requests must fail
  --nodes N         how many boxes, 4 to 40 (12)
  --seed N          seed of the traffic (1)
  --logs FOLDER     copy the logs of all processes there at the end
  --help            this text

Exit code 0 where everything that is checked holds, 1 where it does not or the demo broke, 2 for a wrong option.
`;

/** Fewer could not lose two and keep serving; more would not fit on two cores. */
const NODES_MIN = 4;
const NODES_MAX = 40;

/** A command line that cannot be used; the message says why. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

/** Reads the words after the script's name. Throws OptionError. */
export function readOptions(words: readonly string[]): Options {
  const values = parse(words);
  const gate = values["force-gate"];
  if (gate !== undefined && gate !== "3") {
    throw new OptionError(`--force-gate ${gate}: only gate 3 can be forced; nothing overrides the other two`);
  }
  return {
    json: values.json === true,
    keep: values.keep === true,
    forceCapacityGate: gate === "3",
    nodes: whole("--nodes", values.nodes ?? "12", NODES_MIN, NODES_MAX),
    seed: whole("--seed", values.seed ?? "1", 0, 2 ** 31),
    logsTo: values.logs,
    help: values.help === true,
  };
}

type Values = Partial<Record<"json" | "keep" | "help", boolean>> &
  Partial<Record<"force-gate" | "nodes" | "seed" | "logs", string>>;

function parse(words: readonly string[]): Values {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        json: { type: "boolean" },
        keep: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        "force-gate": { type: "string" },
        nodes: { type: "string" },
        seed: { type: "string" },
        logs: { type: "string" },
      },
    });
    return values;
  } catch (cause) {
    throw new OptionError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new OptionError(`${name} ${text}: give a whole number from ${min} to ${max}`);
}
