/** The new agent's probation: the work serves, goes on serving, is what it was, and the coordinator has seen it. */
import { commitTrial } from "@moult/slots";
import type { At } from "./at.ts";
import type { EventOf, Step } from "./events.ts";
import { go, queueOutcome, save, stay, takesWork } from "./moves.ts";
import { enterReverting } from "./reverting.ts";
import type { Committing, Machine, Returning, Trial } from "./state.ts";
import { retryAt, wakeAfterNudge } from "./waits.ts";

type In<P> = Machine & { readonly phase: P };

/** A workload that ends this often while on trial is not healthy, however it looks in between. */
const EXITS_MAX = 3;

/** The node is back and waits to be counted again, so the report is repeated at least this often. */
const RETRY_MS_MAX = 2_000;

/** TRIAL + WORK or TICK. */
export function assess(machine: In<Trial>, _: EventOf<"WORK"> | EventOf<"TICK">, at: At): Step<Machine> {
  const { phase, memory } = machine;
  const { work, running } = memory;
  const ill = illness(machine);
  if (ill !== undefined) return enterReverting(machine, { reason: "HEALTH_CHECK", message: ill }, at);
  if (at.nowMs >= phase.deadlineAtMs) {
    return enterReverting(machine, { reason: "TRIAL_TIMEOUT", message: "The trial's time was over." }, at);
  }
  if (!takesWork(work)) {
    const { servingSinceMs: _since, ...waiting } = phase;
    if (at.nowMs < phase.healthyByMs) return go(machine, { ...waiting, checkAtMs: phase.healthyByMs });
    const message = `The workload did not serve within ${running.healthTimeoutMs} ms; it was ${work.state}.`;
    return enterReverting(machine, { reason: "HEALTH_CHECK", message }, at);
  }
  const servingSinceMs = phase.servingSinceMs ?? at.nowMs;
  const soakedAtMs = servingSinceMs + running.soakMs;
  if (at.nowMs < soakedAtMs) return go(machine, { ...phase, servingSinceMs, checkAtMs: soakedAtMs });
  const lost = phase.move.before.shards.filter((shard) => !work.shards.includes(shard));
  if (lost.length === 0) return enterReturning(machine, at);
  if (at.nowMs < phase.healthyByMs) return go(machine, { ...phase, servingSinceMs, checkAtMs: phase.healthyByMs });
  const message = `${lost.length} shards did not come back, the first of them ${lost[0]}.`;
  return enterReverting(machine, { reason: "WORKLOAD_NOT_RESTORED", message }, at);
}

/** TRIAL + WORK_FAILED: the new build's workload cannot even be started here. */
export function failStart(machine: In<Trial>, event: EventOf<"WORK_FAILED">, at: At): Step<Machine> {
  return enterReverting(machine, { reason: "DISK", message: event.message }, at);
}

/** A coordinator that was gone before the swap cannot speak against the new build: time stands in for it. */
function enterReturning(machine: In<Trial>, at: At): Step<Machine> {
  const { move, startedAtMs, deadlineAtMs: trialEndMs } = machine.phase;
  const deadlineAtMs = move.reachable ? trialEndMs : startedAtMs + at.tunables.unreachableSoakMs;
  const phase: Returning = { name: "RETURNING", move, startedAtMs, deadlineAtMs, attempts: 0 };
  return go(machine, phase, [{ kind: "TELL_RETURNED", permitId: move.permitId }]);
}

/** RETURNING + WORK: health is watched until the end. */
export function watchHealth(machine: In<Returning>, _: EventOf<"WORK">, at: At): Step<Machine> {
  const ill = illness(machine);
  return ill === undefined ? stay(machine) : enterReverting(machine, { reason: "HEALTH_CHECK", message: ill }, at);
}

/** RETURNING + PROGRESS_TOLD: counted again, or not yet. */
export function takeRejoin(machine: In<Returning>, event: EventOf<"PROGRESS_TOLD">, at: At): Step<Machine> {
  if (event.state === "SERVING" || event.state === "RETURNED") return enterCommitting(machine);
  return tellLater(machine, { kind: "PROGRESS_FAILED", message: event.state }, at);
}

/** RETURNING + PROGRESS_FAILED. */
export function tellLater(machine: In<Returning>, _: EventOf<"PROGRESS_FAILED">, at: At): Step<Machine> {
  const attempts = machine.phase.attempts + 1;
  return go(machine, { ...machine.phase, attempts, retryAtMs: retryAt(at, attempts, RETRY_MS_MAX) });
}

/** RETURNING + TICK. */
export function timeReturn(machine: In<Returning>, _: EventOf<"TICK">, at: At): Step<Machine> {
  const { retryAtMs, ...phase } = machine.phase;
  if (at.nowMs >= phase.deadlineAtMs) {
    if (!phase.move.reachable) return enterCommitting(machine);
    const message = "The coordinator, which could be reached before the swap, did not confirm the rejoin.";
    return enterReverting(machine, { reason: "REJOIN_NOT_CONFIRMED", message }, at);
  }
  if (retryAtMs === undefined || at.nowMs < retryAtMs) return stay(machine);
  return go(machine, phase, [{ kind: "TELL_RETURNED", permitId: phase.move.permitId }]);
}

function enterCommitting(machine: In<Returning>): Step<Machine> {
  const { move, startedAtMs } = machine.phase;
  return go(machine, { name: "COMMITTING", move, startedAtMs }, [{ kind: "RECORD", change: commitTrial }]);
}

/** COMMITTING + RECORDED: kept for good. */
export function settle(machine: In<Committing>, _: EventOf<"RECORDED">, at: At): Step<Machine> {
  const { move, startedAtMs } = machine.phase;
  const idle: Machine = { ...machine, phase: { name: "IDLE", wakeAtMs: wakeAfterNudge(at) } };
  const next = queueOutcome(
    idle,
    {
      permitId: move.permitId,
      targetDigest: move.target.digest,
      kind: "COMMITTED",
      message: "",
      timings: { ...move.timings, trialMs: at.nowMs - startedAtMs },
    },
    at,
    0,
  );
  return { machine: next, effects: [save(next)] };
}

/** COMMITTING + DISK_FAILED: what cannot be written down has not been kept. */
export function failCommit(machine: In<Committing>, event: EventOf<"DISK_FAILED">, at: At): Step<Machine> {
  return enterReverting(machine, { reason: "DISK", message: event.message }, at);
}

/** What is wrong with the workload beyond doubt; a silence is judged by the deadlines. */
function illness(machine: In<Trial | Returning>): string | undefined {
  const { state, answering, exits, message } = machine.memory.work;
  if (state === "FAILED" && answering) return `The workload says that it cannot work: ${message || "no reason given"}.`;
  if (exits >= EXITS_MAX) return `The workload ended ${exits} times.`;
  return undefined;
}
