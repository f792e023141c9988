/** Small changes of the machine that several transitions share. Pure. */
import type { At } from "./at.ts";
import { DENIED_MAX, durableOf } from "./durable.ts";
import type { Effect, Step } from "./events.ts";
import type {
  FailureReason,
  Idle,
  Machine,
  Memory,
  Move,
  PendingOutcome,
  Phase,
  Refusal,
  Timings,
  WorkView,
} from "./state.ts";
import { setbackEnd, wakeAfterSetback } from "./waits.ts";

/** A step to `phase`. */
export function go(machine: Machine, phase: Phase, effects: readonly Effect[] = []): Step<Machine> {
  return { machine: { ...machine, phase }, effects };
}

/** No change. */
export function stay(machine: Machine, effects: readonly Effect[] = []): Step<Machine> {
  return { machine, effects };
}

/** The machine with some of its memory replaced. */
export function remember(machine: Machine, memory: Partial<Memory>): Machine {
  return { ...machine, memory: { ...machine.memory, ...memory } };
}

/** The machine without what it remembered under `key`. */
export function forget(machine: Machine, key: "staged" | "telling" | "setback" | "beatMs"): Machine {
  const { [key]: _, ...memory } = machine.memory;
  return { ...machine, memory };
}

/** The effect that makes what `machine` has to remember safe. */
export function save(machine: Machine): Effect {
  return { kind: "SAVE", durable: durableOf(machine) };
}

/** Asleep until then. */
export function idleUntil(wakeAtMs: number): Idle {
  return { name: "IDLE", wakeAtMs };
}

export const NO_TIMINGS: Timings = { pullMs: 0, drainMs: 0, swapMs: 0, trialMs: 0 };

/** Whether routers may give it work. A node without a workload always may. */
export function takesWork(work: WorkView): boolean {
  return work.state === "SERVING" || work.state === "NONE";
}

/** Queues an outcome to be told until it is acknowledged. `holdMs` waits for the workload first. */
export function queueOutcome(machine: Machine, outcome: PendingOutcome, at: At, holdMs: number): Machine {
  const holdUntilMs = at.nowMs + holdMs;
  return remember(machine, { telling: { outcome, holdUntilMs, attempts: 0, tellAtMs: at.nowMs } });
}

/** Adds a digest that must never be tried again; what is staged of it is no longer of use. */
export function deny(machine: Machine, digest: string): Machine {
  const others = machine.memory.denied.filter((denied) => denied !== digest);
  const denying = remember(machine, { denied: [digest, ...others].slice(0, DENIED_MAX) });
  return denying.memory.staged?.digest === digest ? forget(denying, "staged") : denying;
}

/** Remembers that a build failed before it was started, so that it is not tried in a loop. */
export function setBack(machine: Machine, digest: string, reason: FailureReason, at: At): Machine {
  const last = machine.memory.setback;
  const count = last?.digest === digest ? last.count + 1 : 1;
  return remember(machine, { setback: { digest, reason, count, notBeforeMs: setbackEnd(at, count) } });
}

/** What is staged is of no use where the list does not name it, or not for this device. */
export function dropUnfit(machine: Machine, { reason }: Refusal): Machine {
  return reason === "NOT_APPROVED" || reason === "UNSUITABLE" ? forget(machine, "staged") : machine;
}

/** Before a move has begun: said once, leave handed back where it was given, and not tried again for a while. */
export function turnDown(
  machine: Machine,
  of: { readonly digest: string; readonly permitId: string },
  why: { readonly reason: FailureReason; readonly message: string },
  at: At,
): Step<Machine> {
  const { digest, permitId } = of;
  const outcome = { permitId, targetDigest: digest, kind: "FAILED", ...why, timings: NO_TIMINGS } as const;
  const told = queueOutcome(setBack(machine, digest, why.reason, at), outcome, at, 0);
  const next = { ...told, phase: idleUntil(wakeAfterSetback(at, told.memory.setback?.notBeforeMs ?? 0)) };
  return { machine: next, effects: [save(next), { kind: "NOTE", message: why.message }] };
}

/** Workloads have this long to serve again before an outcome is told without them. */
export const RESTORE_HOLD_MS = 5_000;

/** Calls a move off before the swap: the work goes on as before, the coordinator is told, the build waits. */
export function callOff(
  machine: Machine,
  move: Move,
  why: { readonly reason: FailureReason; readonly message: string },
  at: At,
): Step<Machine> {
  const { permitId, target, timings } = move;
  const outcome: PendingOutcome = { permitId, targetDigest: target.digest, kind: "FAILED", ...why, timings };
  const told = queueOutcome(setBack(machine, target.digest, why.reason, at), outcome, at, RESTORE_HOLD_MS);
  const next: Machine = { ...told, phase: idleUntil(wakeAfterSetback(at, told.memory.setback?.notBeforeMs ?? 0)) };
  return { machine: next, effects: [...resume(move), save(next), { kind: "PULSE" }] };
}

/** The work goes on as before. */
export function resume(move: Move): readonly Effect[] {
  return [{ kind: "START_WORK" }, { kind: "RESTORE_WORK", shards: move.before.shards }];
}
