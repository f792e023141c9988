/** The one error that verbs throw by themselves: what went wrong in a sentence, and what to do about it. */
import type { FailureKind } from "./exit-codes.ts";

/** A command that did not do what it was told. */
export class CliError extends Error {
  readonly kind: FailureKind;
  /** What to do, a line each; may be empty. */
  readonly advice: readonly string[];

  constructor(kind: FailureKind, message: string, more: { advice?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.name = "CliError";
    this.kind = kind;
    this.advice = more.advice ?? [];
  }
}

/** An argument or a file that cannot be used. */
export function usageError(message: string, ...advice: readonly string[]): CliError {
  return new CliError("USAGE", message, { advice });
}
