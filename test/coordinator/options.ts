/** The command line of `pnpm test:coordinator`. Pure: words in, options or a sentence about what is wrong out. */
import { parseArgs } from "node:util";
import { BLOWS } from "./rounds/index.ts";

/** What was asked for. */
export interface Options {
  readonly help: boolean;
  readonly json: boolean;
  readonly rounds: number;
  readonly seed: number;
  /** Only blows of this kind; all where undefined. */
  readonly kind: string | undefined;
}

const KINDS = [...new Set(BLOWS.map(({ kind }) => kind))];
const SEED_MAX = 2_147_483_647;
const ROUNDS_MAX = 10_000;

export const HELP: string = `Strikes coordinators at work, on both engines, and holds what they published against what they acknowledged.

  pnpm test:coordinator [options]

  --rounds N     how many blows, 1 to ${ROUNDS_MAX} (${BLOWS.length}, one of each)
  --seed N       which blows in which order, and when, 0 to ${SEED_MAX} (1)
  --kind KIND    only of this kind:
${BLOWS.map(({ kind, stage, what }) => `                   ${kind.padEnd(15)} ${stage}: ${what}`).join("\n")}
  --json         print one JSON object
  --help         this text

Prints by kind {rounds, acknowledged, lost, overLimit, double, otherFaults, silenceP50Ms, silenceMaxMs}; the last two are the
longest times without an acknowledged word from a blow on. Each fault goes to standard error. The same seed gives the same
blows in the same order. What this machine cannot play (PostgreSQL is missing, nothing can be mounted) is named and skipped.

Exit code 0 where nothing was lost and the log has no fault, 1 where not, 2 for a wrong option.

Example: pnpm test:coordinator --rounds 100 --seed 7 --json
`;

/** A command line that cannot be used; the message says why. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

/** Reads the words after the script's name. Throws OptionError. */
export function readOptions(words: readonly string[]): Options {
  const values = parse(words);
  const { kind, help = false, json = false } = values;
  if (kind !== undefined && !KINDS.includes(kind)) {
    throw new OptionError(`--kind must be one of ${KINDS.join(", ")}, not "${kind}"`);
  }
  const rounds = whole("--rounds", values.rounds ?? String(BLOWS.length), 1, ROUNDS_MAX);
  return { help, json, kind, rounds, seed: whole("--seed", values.seed ?? "1", 0, SEED_MAX) };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new OptionError(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
}

function parse(words: readonly string[]): {
  readonly help?: boolean;
  readonly json?: boolean;
  readonly rounds?: string;
  readonly seed?: string;
  readonly kind?: string;
} {
  try {
    return parseArgs({
      args: words.filter((word) => word !== "--"),
      options: {
        help: { type: "boolean", short: "h" },
        json: { type: "boolean" },
        rounds: { type: "string" },
        seed: { type: "string" },
        kind: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
