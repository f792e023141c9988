/** Telling an outcome until a coordinator has taken it in. Runs beside every phase that can have one pending. */
import type { At } from "./at.ts";
import type { EventOf, Step } from "./events.ts";
import { forget, remember, save, stay, takesWork } from "./moves.ts";
import type { Machine } from "./state.ts";
import { retryAt, wakeAfterNudge } from "./waits.ts";

/** After any event: sends the outcome when it is due. */
export function tellOutcome(step: Step<Machine>, at: At): Step<Machine> {
  const { machine, effects } = step;
  const { telling, work } = machine.memory;
  if (telling?.tellAtMs === undefined || at.nowMs < telling.tellAtMs) return step;
  if (!takesWork(work) && at.nowMs < telling.holdUntilMs) return step;
  const { tellAtMs: _, ...asked } = telling;
  return {
    machine: remember(machine, { telling: asked }),
    effects: [...effects, { kind: "TELL_OUTCOME", outcome: telling.outcome }],
  };
}

/** OUTCOME_TOLD: acknowledged. After a commit there may be a next release to walk to. */
export function closeOutcome(machine: Machine, _: EventOf<"OUTCOME_TOLD">, at: At): Step<Machine> {
  const { telling } = machine.memory;
  if (telling === undefined) return stay(machine);
  const closed = forget(machine, "telling");
  const { phase } = closed;
  const soon = phase.name === "IDLE" && telling.outcome.kind === "COMMITTED";
  const next: Machine = soon
    ? { ...closed, phase: { ...phase, wakeAtMs: Math.min(phase.wakeAtMs, wakeAfterNudge(at)) } }
    : closed;
  return { machine: next, effects: [save(next)] };
}

/** OUTCOME_FAILED: kept, unless the coordinator will never take it. */
export function keepOutcome(machine: Machine, event: EventOf<"OUTCOME_FAILED">, at: At): Step<Machine> {
  const { telling } = machine.memory;
  if (telling === undefined) return stay(machine);
  if (event.permanent) {
    const dropped = forget(machine, "telling");
    const message = `The coordinator refuses the report for good: ${event.message}`;
    return { machine: dropped, effects: [save(dropped), { kind: "NOTE", message }] };
  }
  const attempts = telling.attempts + 1;
  return stay(remember(machine, { telling: { ...telling, attempts, tellAtMs: retryAt(at, attempts) } }));
}

/**
 * DISK_FAILED: the effects behind the write that failed were dropped, and the telling may have been one of them. It is told
 * once more; a coordinator takes the same outcome twice for one.
 */
export function tellAgain(machine: Machine, at: At): Machine {
  const { telling } = machine.memory;
  if (telling === undefined || telling.tellAtMs !== undefined) return machine;
  return remember(machine, { telling: { ...telling, tellAtMs: at.nowMs } });
}

/** When an outcome wants attention; undefined where none does. */
export function tellingDeadline({ memory }: Machine): number | undefined {
  const { telling, work } = memory;
  if (telling?.tellAtMs === undefined) return undefined;
  return takesWork(work) ? telling.tellAtMs : Math.max(telling.tellAtMs, telling.holdUntilMs);
}
