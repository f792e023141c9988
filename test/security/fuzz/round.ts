/** Plays inputs against one parser, in this thread. Input `n` of a seed is the same wherever and whenever it is made. */
import { Dice, numberOf } from "./dice.ts";
import { inputFrom } from "./mutate.ts";
import type { Parser } from "./parser.ts";

/** What a parser did that it may not. */
export interface Crash {
  readonly parser: string;
  readonly seed: number;
  readonly input: number;
  readonly message: string;
  /** In base64, its beginning. */
  readonly bytes: string;
}

/** So much of an input is shown, in characters of base64. */
const SHOWN_MAX = 4_096;

/** The samples of a parser, as mutations take them. */
export function samplesOf(parser: Parser): readonly Buffer[] {
  return parser.samples().map((bytes) => Buffer.from(bytes));
}

/** The input's bytes. */
export function inputOf(parser: Parser, samples: readonly Buffer[], seed: number, input: number): Uint8Array {
  const bytes = inputFrom(new Dice(seed, numberOf(parser.name), input), samples);
  // A copy in memory of its own: what reads beyond its view finds nothing.
  return new Uint8Array(bytes);
}

/** Parses one input. Answers a crash, or nothing. */
export async function tryInput(
  parser: Parser,
  samples: readonly Buffer[],
  seed: number,
  input: number,
): Promise<Crash | undefined> {
  const bytes = inputOf(parser, samples, seed, input);
  try {
    const result = parser.parse(bytes);
    if (result instanceof Promise) await result;
    return undefined;
  } catch (error) {
    if (parser.refuses?.(error) === true) return undefined;
    const message = error instanceof Error ? `${error.name}: ${error.message}\n${error.stack ?? ""}` : String(error);
    const shown = Buffer.from(bytes).toString("base64").slice(0, SHOWN_MAX);
    return { parser: parser.name, seed, input, message, bytes: shown };
  }
}
