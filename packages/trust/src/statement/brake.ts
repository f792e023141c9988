/**
 * The brake as devices see it: which of the brakes that reached them hold now. Any one breaker may brake; none may resume.
 * A brake ends when it expires, when the council's list lifts it, or when the root no longer names its breaker.
 */
import { type StatementReader, type VerifiedStatement, verifyStatement } from "./statement.ts";
import { StatementError } from "./errors.ts";

/** What is trusted about brakes: from the verified root and the verified list. */
export interface BrakeRules<T> {
  readonly network: string;
  /** Public keys of the root's breakers. */
  readonly breakers: readonly string[];
  /** Digests of the statements that the council lifted. */
  readonly lifted: readonly string[];
  readonly read: StatementReader<T>;
  /** T, milliseconds since 1970. */
  readonly nowMs: number;
  /** As in `StatementRules`. */
  readonly issuedUntilMs?: number;
}

/** A statement that does not count, and why; for the log. */
export interface IgnoredBrake {
  readonly index: number;
  readonly error: StatementError;
}

/** Brakes that hold, each once, whatever channels brought them. */
export interface BrakesInForce<T> {
  readonly inForce: readonly VerifiedStatement<T>[];
  readonly ignored: readonly IgnoredBrake[];
}

/** Judges every statement a device has, from verdicts, streams and mirrors alike. */
export function brakesInForce<T>(statements: readonly Uint8Array[], rules: BrakeRules<T>): BrakesInForce<T> {
  const inForce = new Map<string, VerifiedStatement<T>>();
  const ignored: IgnoredBrake[] = [];
  for (const [index, bytes] of statements.entries()) {
    try {
      const brake = verifyStatement(bytes, { ...rules, kind: "brake", keys: rules.breakers, threshold: 1 });
      if (!rules.lifted.includes(brake.digest)) inForce.set(brake.digest, brake);
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      ignored.push({ index, error });
    }
  }
  return { inForce: [...inForce.values()], ignored };
}
