/** The command line of `pnpm test:crash`. Pure: words in, options or a sentence about what is wrong out. */
import { parseArgs } from "node:util";
import type { Bounds } from "./explore.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What was asked for. */
export interface Options {
  readonly json: boolean;
  readonly help: boolean;
  readonly bounds: Bounds;
  /** Names of the scenarios to be cut. */
  readonly scenarios: readonly string[];
  /** Whether the mutants are run as well. */
  readonly mutants: boolean;
}

/** As far as the whole run goes. */
export const FULL: Omit<Bounds, "seed"> = { cut: 48, recoverEvery: 8, againEvery: 16, againCut: 6, killEvery: 2 };

/** As far as a run goes that is part of `npm test`. */
export const SHORT: Omit<Bounds, "seed"> = { cut: 5, recoverEvery: 24, againEvery: 24, againCut: 2, killEvery: 24 };

export const HELP: string = `Cuts the power, and kills the processes, at every disk operation of a device's updates, and looks at what is left.

  pnpm test:crash [options]

  --json           print one JSON object; no progress
  --seed N         which combinations are tried where there are too many, 0 to 2147483647 (1)
  --scenario NAME  only this one, without mutants:
${SCENARIOS.map(({ name }) => `                     ${name}`).join("\n")}
  --short          few combinations at each cut: as in npm test
  --help           this text

Prints {states, bricked, stuck, mutantsCaught, mutants} and how it was counted; each finding goes to standard error with the
cuts that lead to it. The same seed cuts the same.

Exit code 0 where every state boots, every device gets on, every promise is kept and every mutant is caught; 1 where not;
2 for a wrong option.

Example: pnpm test:crash --json
`;

/** A command line that cannot be used; the message says why. */
export class OptionError extends Error {
  override readonly name = "OptionError";
}

const SEED_MAX = 2_147_483_647;

/** Reads the words after the script's name. Throws OptionError. */
export function readOptions(words: readonly string[]): Options {
  const values = parse(words);
  const seed = Number(values.seed ?? "1");
  if (!Number.isInteger(seed) || seed < 0 || seed > SEED_MAX) {
    throw new OptionError(`--seed must be a whole number from 0 to ${SEED_MAX}, not "${values.seed}"`);
  }
  const { scenario } = values;
  const names = SCENARIOS.map(({ name }) => name);
  if (scenario !== undefined && !names.includes(scenario)) {
    throw new OptionError(`--scenario must be one of ${names.join(", ")}, not "${scenario}"`);
  }
  return {
    json: values.json === true,
    help: values.help === true,
    bounds: { ...(values.short === true ? SHORT : FULL), seed },
    scenarios: scenario === undefined ? names : [scenario],
    mutants: scenario === undefined,
  };
}

function parse(words: readonly string[]): {
  readonly json?: boolean;
  readonly help?: boolean;
  readonly short?: boolean;
  readonly seed?: string;
  readonly scenario?: string;
} {
  try {
    return parseArgs({
      args: words.filter((word) => word !== "--"),
      options: {
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        short: { type: "boolean" },
        seed: { type: "string" },
        scenario: { type: "string" },
      },
    }).values;
  } catch (error) {
    throw new OptionError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
