/** From a permit to quiet: the workload finishes what it has, and nothing new arrives any more. */
import type { At } from "./at.ts";
import { enterDeparting } from "./departing.ts";
import type { EventOf, Step, VerdictPermit } from "./events.ts";
import { callOff, go, save, stay } from "./moves.ts";
import { isAtRest, isStillQuiet, quietSince } from "./quiet.ts";
import type { Draining, Machine, Move, StagedBuild } from "./state.ts";

type In<P> = Machine & { readonly phase: P };

/** The device stops using a permit this much before the coordinator does, as a share of what is left of it. */
const LEASE_MARGIN = 0.1;

/** The work that the move puts at risk is written down before anything is asked of the workload. */
export function enterDraining(machine: Machine, staged: StagedBuild, permit: VerdictPermit, at: At): Step<Machine> {
  const { running, work, bootId } = machine.memory;
  const leaseMs = permit.expiresInMs * (1 - LEASE_MARGIN);
  const graceMs = permit.drainGraceMs > 0 ? Math.min(permit.drainGraceMs, leaseMs) : leaseMs;
  const { slot, digest, version, releaseCounter } = staged;
  const move: Move = {
    permitId: permit.permitId,
    target: { slot, digest, version, releaseCounter },
    from: { digest: running.digest, version: running.version, releaseCounter: running.releaseCounter },
    before: { shards: work.shards },
    swapsWork: staged.workIdentity !== running.workIdentity,
    bootId,
    permittedAtMs: at.nowMs,
    drainedAtMs: at.nowMs,
    timings: { pullMs: staged.pullMs, drainMs: 0, swapMs: 0, trialMs: 0 },
    reachable: true,
  };
  const deadlineAtMs = at.nowMs + graceMs;
  const phase: Draining = { name: "DRAINING", move, deadlineAtMs };
  const draining = go(machine, phase);
  const written = save(draining.machine);
  // Where the workload stays the same, the swap interrupts nothing: there is nothing to drain.
  if (!move.swapsWork) {
    const leaving = enterDeparting(draining.machine, phase, quietSince(work, at.nowMs), at);
    return { machine: leaving.machine, effects: [written, ...leaving.effects] };
  }
  // The last word on what it was is `before`; from here on only what follows the Drain counts.
  const told: Machine = { ...draining.machine, memory: { ...machine.memory, work: { ...work, told: false } } };
  return { machine: told, effects: [written, { kind: "DRAIN_WORK", deadlineMs: graceMs }, { kind: "PULSE" }] };
}

/** DRAINING + WORK. Any sign of work starts the wait for quiet anew. */
export function watchDrain(machine: In<Draining>, event: EventOf<"WORK">, at: At): Step<Machine> {
  const { phase } = machine;
  if (at.nowMs >= phase.deadlineAtMs) return giveUpDrain(machine, at);
  if (!isAtRest(event.work)) {
    const { quiet: _, ...restless } = phase;
    return go(machine, restless);
  }
  const { quiet } = phase;
  if (quiet === undefined || !isStillQuiet(quiet, event.work)) {
    return go(machine, { ...phase, quiet: quietSince(event.work, at.nowMs) });
  }
  if (at.nowMs - quiet.sinceMs < at.tunables.quietMs) return stay(machine);
  return enterDeparting(machine, phase, quiet, at);
}

/** DRAINING + TICK. */
export function timeDrain(machine: In<Draining>, _: EventOf<"TICK">, at: At): Step<Machine> {
  return at.nowMs >= machine.phase.deadlineAtMs ? giveUpDrain(machine, at) : stay(machine);
}

/** DRAINING or DEPARTING + DISK_FAILED: what was running could not be written down. */
export function callOffForDisk(
  machine: In<{ readonly move: Move } & Machine["phase"]>,
  event: EventOf<"DISK_FAILED">,
  at: At,
): Step<Machine> {
  return callOff(machine, machine.phase.move, { reason: "DISK", message: event.message }, at);
}

/** DRAINING or DEPARTING + FORBIDDEN: the leave is handed back at once, so that nobody waits for it. */
export function callOffForbidden(
  machine: In<{ readonly move: Move } & Machine["phase"]>,
  event: EventOf<"FORBIDDEN">,
  at: At,
): Step<Machine> {
  return callOff(machine, machine.phase.move, event.refusal, at);
}

function giveUpDrain(machine: In<Draining>, at: At): Step<Machine> {
  const { inFlight, locked } = machine.memory.work;
  const what = locked
    ? "the workload held its lock"
    : inFlight > 0
      ? `${inFlight} were in flight`
      : "work still arrived";
  const message = `Not quiet when the drain's time was over: ${what}.`;
  return callOff(machine, machine.phase.move, { reason: "DRAIN_TIMEOUT", message }, at);
}
