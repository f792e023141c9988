/** The coordinator's verdict in the agent's words. What is not understood or not whole is read as a "no". */
import { Decision, PermitPhase, type TargetBuild, type Verdict as WireVerdict } from "@moult/contracts/v1";
import type { Verdict, VerdictPermit } from "../update/events.ts";
import type { OfferedBuild } from "../update/state.ts";

/** Sources beyond this are not looked at, nor such as are longer than any URL, in characters. */
const SOURCES_MAX = 8;
const SOURCE_LENGTH_MAX = 2_048;

/** Sentences and versions go into logs; longer ones are cut, in characters. */
const MESSAGE_LENGTH_MAX = 512;
const VERSION_LENGTH_MAX = 64;

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
