/**
 * The update machine: `step(machine, event, at)` gives the next machine and what is to be done. One table holds every
 * transition; what is not in it changes nothing. Pure: clock, chance and fresh ids come in with `at`.
 */
import { askAgainLater, nudgeAsking, nudgeIdle, repeatAsk, takeVerdict, wake } from "./asking.ts";
import type { At } from "./at.ts";
import { abortSwap, departLater, takeLastWord, timeDeparture, watchQuiet } from "./departing.ts";
import { callOffForDisk, callOffForbidden, timeDrain, watchDrain } from "./draining.ts";
import type { Event, EventOf, Step } from "./events.ts";
import { forget, remember, stay } from "./moves.ts";
import { giveUpPull, takeStaged } from "./pulling.ts";
import { leaveAllTheSame, revertAllTheSame } from "./reverting.ts";
import type { Machine, PhaseName, PhaseOf } from "./state.ts";
import { closeOutcome, keepOutcome, tellAgain, tellOutcome, tellingDeadline } from "./telling.ts";
import { assess, failCommit, failStart, settle, takeRejoin, tellLater, timeReturn, watchHealth } from "./trial.ts";

/** One transition: the phases it may end in, and how. */
interface Row<P extends PhaseName, K extends Event["kind"]> {
  readonly to: readonly PhaseName[];
  readonly run: (machine: Machine & { readonly phase: PhaseOf<P> }, event: EventOf<K>, at: At) => Step<Machine>;
}

type Table = { readonly [P in PhaseName]: { readonly [K in Event["kind"]]?: Row<P, K> } };

/** Every transition there is. */
export const TRANSITIONS: Table = {
  IDLE: {
    TICK: { to: ["IDLE", "ASKING"], run: wake },
    NUDGED: { to: ["IDLE"], run: nudgeIdle },
  },
  ASKING: {
    VERDICT: { to: ["ASKING", "IDLE", "PULLING", "DRAINING", "DEPARTING"], run: takeVerdict },
    ASK_FAILED: { to: ["ASKING", "IDLE"], run: askAgainLater },
    TICK: { to: ["ASKING"], run: repeatAsk },
    NUDGED: { to: ["ASKING"], run: nudgeAsking },
  },
  PULLING: {
    PULLED: { to: ["PULLING", "ASKING"], run: takeStaged },
    PULL_FAILED: { to: ["PULLING", "IDLE"], run: giveUpPull },
  },
  DRAINING: {
    WORK: { to: ["DRAINING", "DEPARTING", "IDLE"], run: watchDrain },
    FORBIDDEN: { to: ["IDLE"], run: callOffForbidden },
    TICK: { to: ["DRAINING", "IDLE"], run: timeDrain },
    DISK_FAILED: { to: ["IDLE"], run: callOffForDisk },
  },
  DEPARTING: {
    VERDICT: { to: ["DEPARTING", "SWAPPING", "IDLE"], run: takeLastWord },
    ASK_FAILED: { to: ["DEPARTING"], run: departLater },
    FORBIDDEN: { to: ["IDLE"], run: callOffForbidden },
    WORK: { to: ["DEPARTING", "DRAINING"], run: watchQuiet },
    TICK: { to: ["DEPARTING", "IDLE"], run: timeDeparture },
    DISK_FAILED: { to: ["IDLE"], run: callOffForDisk },
  },
  SWAPPING: {
    DISK_FAILED: { to: ["IDLE"], run: abortSwap },
    WORK_FAILED: { to: ["IDLE"], run: abortSwap },
  },
  TRIAL: {
    WORK: { to: ["TRIAL", "RETURNING", "REVERTING"], run: assess },
    TICK: { to: ["TRIAL", "RETURNING", "REVERTING"], run: assess },
    WORK_FAILED: { to: ["REVERTING"], run: failStart },
  },
  RETURNING: {
    PROGRESS_TOLD: { to: ["RETURNING", "COMMITTING"], run: takeRejoin },
    PROGRESS_FAILED: { to: ["RETURNING"], run: tellLater },
    WORK: { to: ["RETURNING", "REVERTING"], run: watchHealth },
    TICK: { to: ["RETURNING", "COMMITTING", "REVERTING"], run: timeReturn },
  },
  COMMITTING: {
    RECORDED: { to: ["IDLE"], run: settle },
    DISK_FAILED: { to: ["REVERTING"], run: failCommit },
  },
  REVERTING: {
    DISK_FAILED: { to: ["REVERTING"], run: revertAllTheSame },
    WORK_FAILED: { to: ["REVERTING"], run: leaveAllTheSame },
  },
};

/** The machine after `event`, and what is to be done. */
export function step(machine: Machine, event: Event, at: At): Step<Machine> {
  const noticed = event.kind === "DISK_FAILED" ? tellAgain(machine, at) : notice(machine, event);
  if (event.kind === "OUTCOME_TOLD") return tellOutcome(closeOutcome(noticed, event, at), at);
  if (event.kind === "OUTCOME_FAILED") return tellOutcome(keepOutcome(noticed, event, at), at);
  const rows = TRANSITIONS[noticed.phase.name] as Readonly<Record<string, Row<PhaseName, Event["kind"]> | undefined>>;
  const row = rows[event.kind];
  return tellOutcome(row === undefined ? stay(noticed) : row.run(noticed, event, at), at);
}

/** When `step` wants a TICK at latest; undefined where only another event can change anything. */
export function deadlineOf(machine: Machine): number | undefined {
  const times = [tellingDeadline(machine), phaseDeadline(machine)].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

function phaseDeadline({ phase, memory }: Machine): number | undefined {
  switch (phase.name) {
    case "IDLE":
      return memory.telling === undefined ? phase.wakeAtMs : undefined;
    case "ASKING":
      return phase.retryAtMs;
    case "DRAINING":
      return phase.deadlineAtMs;
    case "DEPARTING":
      return Math.min(phase.deadlineAtMs, phase.retryAtMs ?? phase.deadlineAtMs);
    case "TRIAL":
      return Math.min(phase.deadlineAtMs, phase.checkAtMs);
    case "RETURNING":
      return Math.min(phase.deadlineAtMs, phase.retryAtMs ?? phase.deadlineAtMs);
    case "PULLING":
    case "SWAPPING":
    case "COMMITTING":
    case "REVERTING":
      return undefined;
  }
}

/** What an event says about the world, whatever the phase. */
function notice(machine: Machine, event: Event): Machine {
  switch (event.kind) {
    case "WORK":
      return remember(machine, { work: event.work });
    case "VERDICT":
      return remember(forget(machine, "beatMs"), { reachable: true });
    case "PROGRESS_TOLD":
    case "OUTCOME_TOLD":
      return remember(machine, { reachable: true });
    case "ASK_FAILED":
    case "PROGRESS_FAILED":
    case "OUTCOME_FAILED":
      return remember(machine, { reachable: false });
    case "TICK":
    case "NUDGED":
    case "FORBIDDEN":
    case "PULLED":
    case "PULL_FAILED":
    case "RECORDED":
    case "DISK_FAILED":
    case "WORK_FAILED":
      return machine;
  }
}
