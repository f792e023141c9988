/** Drained: everything is checked again, and only a GO with phase AWAY lets the workload be stopped. */
import { putOnTrial } from "@moult/slots";
import type { At } from "./at.ts";
import type { Effect, EventOf, Step, Verdict } from "./events.ts";
import { callOff, dropUnfit, go, idleUntil, resume, save, stay } from "./moves.ts";
import { isStillQuiet } from "./quiet.ts";
import type { Departing, Draining, Machine, Move, Quiet, Swapping } from "./state.ts";
import { retryAt, wakeAfterStay } from "./waits.ts";

type In<P> = Machine & { readonly phase: P };

/** While drained the node is of no use to anybody, so an unanswered re-ask is repeated at least this often. */
const RETRY_MS_MAX = 1_000;

/** To DEPARTING: the re-ask. */
export function enterDeparting(machine: Machine, from: Draining, quiet: Quiet, at: At): Step<Machine> {
  const move: Move = {
    ...from.move,
    drainedAtMs: at.nowMs,
    timings: { ...from.move.timings, drainMs: at.nowMs - from.move.permittedAtMs },
  };
  const askId = at.freshId;
  const { deadlineAtMs } = from;
  const phase: Departing = { name: "DEPARTING", move, deadlineAtMs, quiet, askId, attempts: 0 };
  return go(machine, phase, [reAsk(phase)]);
}

/** DEPARTING + WORK. Work that arrived after all is finished first; the answer under way is void then. */
export function watchQuiet(machine: In<Departing>, event: EventOf<"WORK">): Step<Machine> {
  const { move, deadlineAtMs, quiet } = machine.phase;
  if (!move.swapsWork || isStillQuiet(quiet, event.work)) return stay(machine);
  return go(machine, { name: "DRAINING", move, deadlineAtMs });
}

/** DEPARTING + ASK_FAILED. */
export function departLater(machine: In<Departing>, event: EventOf<"ASK_FAILED">, at: At): Step<Machine> {
  if (event.askId !== machine.phase.askId) return stay(machine);
  return waitAndReAsk(machine, at);
}

/** DEPARTING + TICK. */
export function timeDeparture(machine: In<Departing>, _: EventOf<"TICK">, at: At): Step<Machine> {
  const { retryAtMs, ...phase } = machine.phase;
  if (at.nowMs >= phase.deadlineAtMs) {
    const message = "No answer to the re-ask before the permit's time was over.";
    return callOff(machine, phase.move, { reason: "PERMIT_EXPIRED", message }, at);
  }
  if (retryAtMs === undefined || at.nowMs < retryAtMs) return stay(machine);
  return go(machine, phase, [reAsk(phase)]);
}

/** DEPARTING + VERDICT. */
export function takeLastWord(machine: In<Departing>, event: EventOf<"VERDICT">, at: At): Step<Machine> {
  const { phase } = machine;
  if (event.askId !== phase.askId) return stay(machine);
  const { verdict } = event;
  if (verdict.decision !== "GO") return remain(machine, verdict, at);
  if (verdict.target.digest !== phase.move.target.digest || verdict.permit.permitId !== phase.move.permitId) {
    const message = "The re-ask was answered for another build or permit.";
    return callOff(machine, phase.move, { reason: "UNSUITABLE", message }, at);
  }
  // The last look before the workload is stopped: what the council took back meanwhile is not moved to.
  if (event.refusal !== undefined) return callOff(dropUnfit(machine, event.refusal), phase.move, event.refusal, at);
  if (at.nowMs >= phase.deadlineAtMs) return timeDeparture(machine, { kind: "TICK" }, at);
  return verdict.permit.phase === "AWAY" ? leave(machine, at) : waitAndReAsk(machine, at);
}

/** Refused at the re-check: that closed the permit. The work goes on as before. */
function remain(machine: In<Departing>, verdict: Exclude<Verdict, { decision: "GO" }>, at: At): Step<Machine> {
  const retryAfterMs = verdict.decision === "STAY" ? verdict.retryAfterMs : 0;
  const next: Machine = { ...machine, phase: idleUntil(wakeAfterStay(at, retryAfterMs)) };
  return { machine: next, effects: [...resume(machine.phase.move), save(next), { kind: "PULSE" }] };
}

/** The one place where a workload that works is stopped. */
function leave(machine: In<Departing>, at: At): Step<Machine> {
  const { move } = machine.phase;
  const phase: Swapping = { name: "SWAPPING", move: { ...move, reachable: machine.memory.reachable } };
  const next: Machine = { ...machine, phase };
  const stop: readonly Effect[] = move.swapsWork ? [{ kind: "STOP_WORK" }] : [];
  // Only after the record: whatever ends this agent from then on, the next one is that of the new build.
  const begin: readonly Effect[] = move.swapsWork ? [{ kind: "START_NEXT_WORK", target: move.target }] : [];
  const record: Effect = {
    kind: "RECORD",
    change: (boot) => putOnTrial(boot, move.target, at.tunables.trialTries),
  };
  return { machine: next, effects: [save(next), ...stop, record, ...begin, { kind: "HAND_OVER" }] };
}

/** SWAPPING + DISK_FAILED or WORK_FAILED: without a record there is no swap. The old build's work is started again. */
export function abortSwap(
  machine: In<Swapping>,
  event: EventOf<"DISK_FAILED"> | EventOf<"WORK_FAILED">,
  at: At,
): Step<Machine> {
  return callOff(machine, machine.phase.move, { reason: "DISK", message: event.message }, at);
}

function waitAndReAsk(machine: In<Departing>, at: At): Step<Machine> {
  const attempts = machine.phase.attempts + 1;
  return go(machine, { ...machine.phase, attempts, retryAtMs: retryAt(at, attempts, RETRY_MS_MAX) });
}

function reAsk({ askId, move }: Pick<Departing, "askId" | "move">): Effect {
  return { kind: "ASK", askId, stagedDigest: move.target.digest, permitId: move.permitId, drained: true };
}
