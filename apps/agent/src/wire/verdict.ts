/** The coordinator's verdict in the agent's words. What is not understood or not whole is read as a "no". */
import { Decision, PermitPhase, type TargetBuild, type Verdict as WireVerdict } from "@moult/contracts/v1";
import { STATEMENT_BYTES_MAX } from "@moult/trust/statement";
import type { Answer } from "../ports.ts";
import type { Verdict, VerdictPermit } from "../update/events.ts";
import type { OfferedBuild } from "../update/state.ts";

/** Sources beyond this are not looked at, nor such as are longer than any URL, in characters. */
const SOURCES_MAX = 8;
const SOURCE_LENGTH_MAX = 2_048;

/** The contract carries so many brakes in a verdict, and on the stream. */
export const VERDICT_BRAKES_MAX = 8;

/** Sentences and versions go into logs; longer ones are cut, in characters. */
const MESSAGE_LENGTH_MAX = 512;
const VERSION_LENGTH_MAX = 64;

/** An answer whole: the verdict, and what travels with it. */
export function fromAnswer(verdict: WireVerdict | undefined): Answer {
  return {
    verdict: fromVerdict(verdict),
    brakes: fromBrakes(verdict?.brakes ?? [], VERDICT_BRAKES_MAX),
    timestampVersion: fromVersion(verdict?.timestampVersion ?? 0n),
  };
}

/** Statements that are not too long to be any, the first `countMax`. */
export function fromBrakes(brakes: readonly Uint8Array[], countMax: number): readonly Uint8Array[] {
  // A copy each: what came is a piece of a message that would be held with it.
  return brakes
    .slice(0, countMax)
    .filter((statement) => statement.length <= STATEMENT_BYTES_MAX)
    .map((statement) => Uint8Array.from(statement));
}

/** A version that cannot be one is none: it is only a hint. */
function fromVersion(version: bigint): number {
  return version <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(version) : 0;
}

/** The verdict. A wait of 0 leaves the time of the next ask to the device. */
export function fromVerdict(verdict: WireVerdict | undefined): Verdict {
  const said = verdict?.message.slice(0, MESSAGE_LENGTH_MAX) ?? "";
  const target = fromTarget(verdict?.target);
  switch (verdict?.decision) {
    case Decision.PREPARE:
      return target === undefined
        ? nothing("a PREPARE without a usable target")
        : { decision: "PREPARE", target, message: said };
    case Decision.GO: {
      const { permit } = verdict;
      if (target === undefined || permit === undefined || permit.permitId === "")
        return nothing("a GO without a permit");
      const { permitId, expiresInMs, drainGraceMs } = permit;
      const phase = PHASES[permit.phase] ?? "OTHER";
      return { decision: "GO", target, permit: { permitId, phase, expiresInMs, drainGraceMs }, message: said };
    }
    case Decision.STAY:
      return { decision: "STAY", retryAfterMs: verdict.retryAfterMs, message: said };
    case Decision.UNSPECIFIED:
    case undefined:
      return nothing("no decision");
    default:
      // An enum's values from a newer peer are survived, never trusted.
      return nothing("a decision that this agent does not know");
  }
}

const PHASES: Readonly<Record<number, VerdictPermit["phase"]>> = {
  [PermitPhase.DRAINING]: "DRAINING",
  [PermitPhase.AWAY]: "AWAY",
};

function fromTarget(target: TargetBuild | undefined): OfferedBuild | undefined {
  if (target === undefined || !/^[0-9a-f]{64}$/.test(target.digest)) return undefined;
  const releaseCounter = Number(target.releaseCounter);
  if (!Number.isSafeInteger(releaseCounter)) return undefined;
  const { digest, manifestBytes } = target;
  const version = target.version.slice(0, VERSION_LENGTH_MAX);
  const sources = target.sources.filter((source) => source.length <= SOURCE_LENGTH_MAX).slice(0, SOURCES_MAX);
  return { digest, version, releaseCounter, manifestBytes, sources };
}

function nothing(what: string): Verdict {
  return { decision: "STAY", retryAfterMs: 0, message: `The coordinator's answer was ${what}.` };
}
