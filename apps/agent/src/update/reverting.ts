/** Giving the new build up: it is denied first, then the boot record goes back, then the old agent takes over. */
import { revertTrial } from "@moult/slots";
import type { At } from "./at.ts";
import type { Effect, EventOf, Step } from "./events.ts";
import { deny, save, stay } from "./moves.ts";
import type { FailureReason, Machine, Move, Reverting } from "./state.ts";

type In<P> = Machine & { readonly phase: P };

/** To REVERTING, from any phase of a trial. */
export function enterReverting(
  machine: In<{ readonly move: Move; readonly startedAtMs?: number } & Machine["phase"]>,
  revert: { readonly reason: FailureReason; readonly message: string },
  at: At,
): Step<Machine> {
  const { move, startedAtMs } = machine.phase;
  const trialMs = startedAtMs === undefined ? move.timings.trialMs : at.nowMs - startedAtMs;
  const phase: Reverting = { name: "REVERTING", move: { ...move, revert, timings: { ...move.timings, trialMs } } };
  const next = { ...deny(machine, move.target.digest), phase };
  const note: Effect = { kind: "NOTE", message: `Reverting (${revert.reason}): ${revert.message}` };
  return { machine: next, effects: [note, save(next), ...undo(phase)] };
}

/**
 * REVERTING + DISK_FAILED. The record carries the denial too, so a state file that cannot be written stops nothing. A
 * record that cannot be written leaves the rest to the launcher, which counts the tries.
 */
export function revertAllTheSame(machine: In<Reverting>, event: EventOf<"DISK_FAILED">): Step<Machine> {
  return stay(
    machine,
    event.effect === "SAVE" ? undo(machine.phase) : [...stopWork(machine.phase), { kind: "HAND_OVER" }],
  );
}

/** REVERTING + WORK_FAILED: whatever still runs of the new build's workload, the old agent ends it before it starts its own. */
export function leaveAllTheSame(machine: In<Reverting>): Step<Machine> {
  return stay(machine, [{ kind: "HAND_OVER" }]);
}

function undo(phase: Reverting): readonly Effect[] {
  const { revert, target } = phase.move;
  const reason = revert?.reason ?? "HEALTH_CHECK";
  const why = { digest: target.digest, reason, message: revert?.message ?? "", deny: true };
  const record: Effect = { kind: "RECORD", change: (boot) => revertTrial(boot, why) };
  return [record, ...stopWork(phase), { kind: "HAND_OVER" }];
}

function stopWork({ move }: Reverting): readonly Effect[] {
  return move.swapsWork ? [{ kind: "STOP_WORK" }] : [];
}
