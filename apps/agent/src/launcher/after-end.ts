/** What follows from the end of an agent. Pure. */
import { EXIT_HAND_OVER } from "../exit-codes.ts";

/** How an agent ended. */
export interface AgentEnd {
  readonly trial: boolean;
  /** It said that it is up. */
  readonly wasUp: boolean;
  /** It said that its trial ended in a commit. */
  readonly kept: boolean;
  /** Undefined where a signal ended it or it could not be started. */
  readonly code: number | undefined;
  readonly lastedMs: number;
  /** In a few words, as in "it ended with code 1". */
  readonly how: string;
  /** The trial's time was over. */
  readonly overdue: boolean;
}

/** What to do next. */
export interface Next {
  readonly waitMs: number;
  /** How often in a row an agent ended by itself soon after its start. */
  readonly crashes: number;
  /** For the report, should the trial be abandoned. */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** Read every byte of the slots before the next start: perhaps it is the disk. */
  readonly checkDigests: boolean;
}

/** An agent that ran for less counts as not started, in milliseconds. */
const STEADY_MS = 10_000;

/** Waits between restarts begin with this after the first, immediate one, in milliseconds … */
const RESTART_MS_MIN = 200;

/** … and double up to this. */
const RESTART_MS_MAX = 30_000;

/** So many crashes in a row raise the suspicion that a slot is damaged. */
const CRASHES_SUSPICIOUS = 3;

/** What to do after `end`, with so many crashes in a row before it. */
export function afterEnd(end: AgentEnd, crashesBefore: number): Next {
  if (end.code === EXIT_HAND_OVER) return { waitMs: 0, crashes: 0, checkDigests: false };
  if (end.trial && !end.kept) {
    // The tries are counted in the boot record; waiting would only lengthen the absence.
    const failure = end.overdue
      ? { reason: "TRIAL_TIMEOUT", message: `The new agent did not decide its trial: ${end.how}.` }
      : { reason: "AGENT_DID_NOT_START", message: `The new agent did not prove itself: ${end.how}.` };
    return { waitMs: 0, crashes: 0, failure, checkDigests: false };
  }
  const crashes = end.wasUp && end.lastedMs >= STEADY_MS ? 1 : crashesBefore + 1;
  const waitMs = crashes === 1 ? 0 : Math.min(RESTART_MS_MAX, RESTART_MS_MIN * 2 ** Math.min(crashes - 2, 16));
  return { waitMs, crashes, checkDigests: crashes % CRASHES_SUSPICIOUS === 0 };
}
