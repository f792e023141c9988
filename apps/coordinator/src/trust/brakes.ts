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
/** One breaker's, so that who steals a breaker's key cannot leave the others without a place. */
const HELD_OF_ONE_MAX = 8;
/** Of those that were lifted, or whose breaker was dropped. */
const RESTING_MAX = 64;
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
  /** Those that count, the newest first. */
  readonly #held: readonly BrakeStatement[];
  /** Those that do not count now and would under another root or list. They take nobody's place. */
  readonly #resting: readonly BrakeStatement[];

  private constructor(held: readonly BrakeStatement[], resting: readonly BrakeStatement[]) {
    this.#held = held;
    this.#resting = resting;
  }

  /** Judges every statement anew. Of more than are held those count that end last. */
  static judge(statements: readonly BrakeStatement[], judges: BrakeJudges, now: number): Brakes {
    const lasting = statements
      .filter(({ expiresAtMs }) => expiresAtMs > now)
      .toSorted((a, b) => b.expiresAtMs - a.expiresAtMs);
    const held: BrakeStatement[] = [];
    const resting: BrakeStatement[] = [];
    for (const brake of lasting) {
      const holds = !isLifted(brake.digest, judges) && counts(brake.statement, judges, now) && hasRoom(held, brake);
      (holds ? held : resting).push(brake);
    }
    return new Brakes(newestFirst(held), resting.slice(0, RESTING_MAX));
  }

  /** The same statements under another root or list. */
  judgedBy(judges: BrakeJudges, now: number): Brakes {
    return Brakes.judge([...this.#held, ...this.#resting], judges, now);
  }

  /** With one more, which `readBrake` has just read; undefined where there is no room for it before another one ends. */
  adding(brake: BrakeStatement, now: number): Brakes | undefined {
    const held = this.inForce(now);
    if (!hasRoom(held, brake)) return undefined;
    const resting = this.#resting.filter(({ digest }) => digest !== brake.digest);
    return new Brakes(newestFirst([...held, brake]), resting);
  }

  /** The one of that digest, where it is in force. */
  get(digest: string, now: number): BrakeStatement | undefined {
    return this.inForce(now).find((brake) => brake.digest === digest);
  }

  /** Those that hold at `now`, the newest first; at most 64. */
  inForce(now: number): readonly BrakeStatement[] {
    if (this.#held.every(({ expiresAtMs }) => expiresAtMs > now)) return this.#held;
    return this.#held.filter(({ expiresAtMs }) => expiresAtMs > now);
  }

  /** The statements that a verdict or a notice carries: each breaker's newest before anybody's second. */
  forVerdict(now: number): Uint8Array[] {
    const said = new Map<string, number>();
    const ranked = this.inForce(now).map((brake) => {
      const rank = said.get(brake.breaker) ?? 0;
      said.set(brake.breaker, rank + 1);
      return { rank, statement: brake.statement };
    });
    return ranked
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, IN_VERDICT_MAX)
      .map(({ statement }) => statement);
  }
}

function hasRoom(held: readonly BrakeStatement[], { breaker }: BrakeStatement): boolean {
  return held.length < HELD_MAX && held.filter((one) => one.breaker === breaker).length < HELD_OF_ONE_MAX;
}

function newestFirst(brakes: readonly BrakeStatement[]): readonly BrakeStatement[] {
  return brakes.toSorted((a, b) => b.issuedAtMs - a.issuedAtMs);
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
