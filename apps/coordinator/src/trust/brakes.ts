/**
 * Breakers' brakes as the coordinator holds them: judged as a device judges them, kept until they end, and in force unless
 * the council lifted them or the root dropped their breaker. Nothing here can end one.
 */
import { readBrakeStatement } from "@moult/contracts";
import { StatementError, type VerifiedStatement, verifyStatement } from "@moult/trust/statement";
import type { Allowlist, NetworkRoot } from "@moult/trust/tuf";
import type { BrakeStatement } from "../store/port.ts";

/** As many as the contract sends with a timestamp. */
const HELD_MAX = 64;
/** As many as the contract sends with each verdict. */
const IN_VERDICT_MAX = 8;
/** A breaker's clock may be ahead by this much; a statement of later than that would hold for longer than any may. */
const CLOCK_AHEAD_MS = 3_600_000;

/** Whose brakes count, and which are lifted. */
export interface BrakeJudges {
  readonly root: NetworkRoot;
  readonly allowlist: Allowlist | undefined;
}

/** The brakes that are known. Never changes; `adding` and `judgedBy` make others. */
export class Brakes {
  readonly #held: readonly BrakeStatement[];
  readonly #inForce: readonly BrakeStatement[];

  private constructor(held: readonly BrakeStatement[], inForce: readonly BrakeStatement[]) {
    this.#held = held;
    this.#inForce = inForce;
  }

  /** Judges every statement anew. */
  static judge(statements: readonly BrakeStatement[], judges: BrakeJudges, now: number): Brakes {
    const held = bounded(statements, now);
    return new Brakes(
      held,
      held.filter((brake) => !isLifted(brake.digest, judges) && counts(brake.statement, judges, now)),
    );
  }

  /** The same statements under another root or list. */
  judgedBy(judges: BrakeJudges, now: number): Brakes {
    return Brakes.judge(this.#held, judges, now);
  }

  /** With one more, which `readBrake` has just read. Where there are too many, the one that ends first goes. */
  adding(brake: BrakeStatement, now: number): Brakes {
    const held = bounded([...this.#held, brake], now);
    return new Brakes(
      held,
      held.filter((one) => one === brake || this.#inForce.includes(one)),
    );
  }

  /** The one of that digest, in force or not. */
  get(digest: string): BrakeStatement | undefined {
    return this.#held.find((brake) => brake.digest === digest);
  }

  /** Those that hold at `now`, the newest first; at most 64. */
  inForce(now: number): readonly BrakeStatement[] {
    if (this.#inForce.length === 0) return this.#inForce;
    return this.#inForce.filter(({ expiresAtMs }) => expiresAtMs > now).sort((a, b) => b.issuedAtMs - a.issuedAtMs);
  }

  /** The statements that a verdict or a notice carries. */
  forVerdict(now: number): Uint8Array[] {
    return this.inForce(now)
      .slice(0, IN_VERDICT_MAX)
      .map(({ statement }) => statement);
  }
}

function bounded(statements: readonly BrakeStatement[], now: number): readonly BrakeStatement[] {
  return statements
    .filter(({ expiresAtMs }) => expiresAtMs > now)
    .toSorted((a, b) => b.expiresAtMs - a.expiresAtMs)
    .slice(0, HELD_MAX);
}

/** Whether the council has lifted that brake. */
export function isLifted(digest: string, { allowlist }: BrakeJudges): boolean {
  return allowlist?.liftedBrakes.includes(digest) === true;
}

/** Reads a statement that was handed in. Throws StatementError. */
export function readBrake(statement: Uint8Array, judges: BrakeJudges, now: number): BrakeStatement {
  const verified = verify(statement, judges, now, now + CLOCK_AHEAD_MS);
  const { digest, issuedMs, expiresMs, body, signedBy } = verified;
  const [breaker = ""] = signedBy;
  return { digest, statement, reason: body.reason, issuedAtMs: issuedMs, expiresAtMs: expiresMs, breaker };
}

function counts(statement: Uint8Array, judges: BrakeJudges, now: number): boolean {
  try {
    verify(statement, judges, now);
    return true;
  } catch (error) {
    if (error instanceof StatementError) return false;
    throw error;
  }
}

function verify(
  statement: Uint8Array,
  { root }: BrakeJudges,
  nowMs: number,
  issuedUntilMs?: number,
): VerifiedStatement<{ readonly reason: string }> {
  return verifyStatement(statement, {
    kind: "brake",
    network: root.network,
    keys: root.breakers,
    threshold: 1,
    read: readBrakeStatement,
    nowMs,
    ...(issuedUntilMs === undefined ? {} : { issuedUntilMs }),
  });
}
