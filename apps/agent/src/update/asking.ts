/** Waking, asking, and what the answer means for a node that holds no permit yet. */
import type { At } from "./at.ts";
import { enterDraining } from "./draining.ts";
import type { Effect, EventOf, Step, Verdict } from "./events.ts";
import { NO_TIMINGS, dropUnfit, forget, go, idleUntil, queueOutcome, save, stay, turnDown } from "./moves.ts";
import type { Asking, FailureReason, Idle, Machine, OfferedBuild, Refusal } from "./state.ts";
import { nextWake, retryAt, wakeAfterNudge, wakeAfterSetback, wakeAfterSilence, wakeAfterStay } from "./waits.ts";

type In<P> = Machine & { readonly phase: P };

/** IDLE + TICK. While an outcome waits to be told, the coordinator cannot judge another ask. */
export function wake(machine: In<Idle>, _: EventOf<"TICK">, at: At): Step<Machine> {
  if (machine.memory.telling !== undefined || at.nowMs < machine.phase.wakeAtMs) return stay(machine);
  return enterAsking(machine, at, "");
}

/** IDLE + NUDGED. Ends any wait, but not that for a build which was found bad. */
export function nudgeIdle(machine: In<Idle>, _: EventOf<"NUDGED">, at: At): Step<Machine> {
  const lasting = machine.memory.setback?.reason === "NOT_APPROVED" || machine.memory.setback?.reason === "UNSUITABLE";
  const eased = lasting ? machine : forget(machine, "setback");
  return go(eased, idleUntil(Math.min(machine.phase.wakeAtMs, wakeAfterNudge(at))));
}

/** To ASKING, with a permit where one is held from before a restart. */
export function enterAsking(machine: Machine, at: At, permitId: string): Step<Machine> {
  const askId = at.freshId;
  const phase: Asking = { name: "ASKING", askId, permitId, attempts: 0, nudged: false };
  return go(machine, phase, [askEffect(machine, askId, permitId)]);
}

/** ASKING + NUDGED. The answer under way may have been given before whatever the nudge is about. */
export function nudgeAsking(machine: In<Asking>): Step<Machine> {
  return go(machine, { ...machine.phase, nudged: true });
}

/** An ask whose answer may have been a permit is repeated this often before the next beat: a permit is not to lie idle. */
const HASTY_ATTEMPTS_MAX = 4;

/** ASKING + ASK_FAILED. In a hurry only where a permit is held, or may have been given in the answer that was lost. */
export function askAgainLater(machine: In<Asking>, event: EventOf<"ASK_FAILED">, at: At): Step<Machine> {
  const { phase, memory } = machine;
  if (event.askId !== phase.askId) return stay(machine);
  const attempts = phase.attempts + 1;
  const hasty = phase.permitId !== "" || (memory.staged !== undefined && attempts <= HASTY_ATTEMPTS_MAX);
  if (!hasty) {
    return go(machine, idleUntil(phase.nudged ? wakeAfterNudge(at) : wakeAfterSilence(at, memory.beatMs)));
  }
  return go(machine, { ...machine.phase, attempts, retryAtMs: retryAt(at, attempts) });
}

/** ASKING + TICK. A repeat keeps the ask's id. */
export function repeatAsk(machine: In<Asking>, _: EventOf<"TICK">, at: At): Step<Machine> {
  const { retryAtMs, ...phase } = machine.phase;
  if (retryAtMs === undefined || at.nowMs < retryAtMs) return stay(machine);
  return go(machine, phase, [askEffect(machine, phase.askId, phase.permitId)]);
}

/** ASKING + VERDICT. */
export function takeVerdict(machine: In<Asking>, event: EventOf<"VERDICT">, at: At): Step<Machine> {
  if (event.askId !== machine.phase.askId) return stay(machine);
  const { verdict } = event;
  switch (verdict.decision) {
    case "STAY":
      return sleepOn(machine, verdict, at);
    case "PREPARE":
      return prepare(machine, verdict.target, event.refusal, at);
    case "GO":
      return start(machine, verdict, event.refusal, at);
  }
}

function sleepOn(machine: In<Asking>, verdict: Verdict & { decision: "STAY" }, at: At): Step<Machine> {
  const { nudged, permitId } = machine.phase;
  const wakeAtMs = nudged ? wakeAfterNudge(at) : wakeAfterStay(at, verdict.retryAfterMs);
  const next: Machine = { ...machine, phase: idleUntil(wakeAtMs) };
  // The permit from before the restart is closed by this answer; the move must not be taken up once more.
  return { machine: next, effects: permitId === "" ? [] : [save(next)] };
}

/** Refusals that say nothing against the build itself. */
const PASSING: ReadonlySet<FailureReason> = new Set(["METADATA", "BRAKED", "OUTSIDE_COHORT"]);

/** Pulls the offered build, unless the device knows better. */
function prepare(machine: In<Asking>, target: OfferedBuild, refusal: Refusal | undefined, at: At): Step<Machine> {
  const { running, denied, setback, staged } = machine.memory;
  const decline = (message: string, wakeAtMs: number): Step<Machine> =>
    go(machine, idleUntil(wakeAtMs), [{ kind: "NOTE", message }]);
  if (denied.includes(target.digest)) return decline(`${target.version} was tried here and reverted`, nextWake(at));
  if (target.digest === running.digest) return decline(`${target.version} is what runs already`, nextWake(at));
  if (target.digest === staged?.digest) return decline(`${target.version} is staged already`, nextWake(at));
  const waits = setback?.digest === target.digest && at.nowMs < setback.notBeforeMs;
  // What only stood in the way for a time, and does not now, is nothing to wait for.
  if (waits && (refusal !== undefined || !PASSING.has(setback.reason))) {
    return decline(
      `${target.version} failed before (${setback.reason}); it waits`,
      wakeAfterSetback(at, setback.notBeforeMs),
    );
  }
  if (refusal !== undefined) return turnDown(machine, { digest: target.digest, permitId: "" }, refusal, at);
  return go(machine, { name: "PULLING", target }, [{ kind: "PULL", target }]);
}

/** Acts on a GO only for the build that is staged here. Leave for any other is handed back, so that nobody waits. */
function start(
  machine: In<Asking>,
  verdict: Verdict & { decision: "GO" },
  refusal: Refusal | undefined,
  at: At,
): Step<Machine> {
  const { target, permit } = verdict;
  if (refusal !== undefined) {
    const isStaged = machine.memory.staged?.digest === target.digest;
    const left = isStaged ? dropUnfit(machine, refusal) : machine;
    return turnDown(left, { digest: target.digest, permitId: permit.permitId }, refusal, at);
  }
  const { staged, denied } = machine.memory;
  const usable = staged !== undefined && staged.digest === target.digest && !denied.includes(target.digest);
  if (usable && permit.phase !== "OTHER") return enterDraining(machine, staged, permit, at);
  const message = "Leave was given for a build that this device does not hold or will not run.";
  const returned = queueOutcome(
    machine,
    {
      permitId: permit.permitId,
      targetDigest: target.digest,
      kind: "FAILED",
      reason: "UNSUITABLE",
      message,
      timings: NO_TIMINGS,
    },
    at,
    0,
  );
  return go(returned, idleUntil(nextWake(at)), [{ kind: "NOTE", message }]);
}

function askEffect(machine: Machine, askId: string, permitId: string): Effect {
  return { kind: "ASK", askId, stagedDigest: machine.memory.staged?.digest ?? "", permitId, drained: false };
}
