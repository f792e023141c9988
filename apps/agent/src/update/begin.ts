/**
 * Where an agent starts: on trial, or back after a commit, a revert or any kind of end in between. Pure: what the disk
 * holds goes in; the machine, and what is to be done first, come out.
 */
import { type BootRecord, clearAbandoned } from "@moult/slots";
import type { At } from "./at.ts";
import { type Durable, isFailureReason } from "./durable.ts";
import type { Effect, Step } from "./events.ts";
import { RESTORE_HOLD_MS, deny, idleUntil, queueOutcome, resume, save } from "./moves.ts";
import { enterReverting } from "./reverting.ts";
import type { Asking, Machine, Move, PendingOutcome, RunningBuild, StagedBuild, Timings, WorkView } from "./state.ts";
import { beatOf, firstWake } from "./waits.ts";

/** What the disk holds. */
export interface Beginning {
  readonly running: RunningBuild;
  readonly bootId: string;
  /** Whether the launcher started this agent to prove itself. */
  readonly trial: boolean;
  readonly durable: Durable;
  readonly record: BootRecord | undefined;
  readonly staged: StagedBuild | undefined;
}

/** Of a workload nobody has looked at yet. */
const UNSEEN: WorkView = {
  state: "STARTING",
  answering: false,
  run: 0,
  exits: 0,
  inFlight: 0,
  startedTotal: 0n,
  shards: [],
  locked: false,
  told: false,
  message: "",
};

/** The first machine. */
export function begin(from: Beginning, at: At): Step<Machine> {
  const { running, bootId, durable, staged } = from;
  const machine: Machine = {
    phase: idleUntil(firstWake(at)),
    memory: {
      running,
      bootId,
      beatMs: beatOf(at),
      denied: durable.denied,
      work: UNSEEN,
      reachable: false,
      ...(staged && { staged }),
    },
  };
  const pending = durable.outcome;
  const known = pending === undefined ? machine : queueOutcome(machine, pending, at, RESTORE_HOLD_MS);
  return from.trial ? beginTrial(known, from, at) : beginKept(known, from, at);
}

function beginTrial(machine: Machine, { running, bootId, durable }: Beginning, at: At): Step<Machine> {
  const { move } = durable;
  const trial = {
    name: "TRIAL",
    startedAtMs: at.nowMs,
    healthyByMs: at.nowMs + running.healthTimeoutMs,
    checkAtMs: at.nowMs + running.healthTimeoutMs,
    deadlineAtMs: at.nowMs + at.tunables.trialTimeoutMs,
  } as const;
  if (move === undefined || move.target.digest !== running.digest) {
    // Nothing says what was running before, so nothing can be held against it.
    const unknown = { ...machine, phase: { ...trial, move: unknownMove(running, bootId, at) } };
    const message = "What ran before the swap is not known any more.";
    return enterReverting(unknown, { reason: "WORKLOAD_NOT_RESTORED", message }, at);
  }
  const sameBoot = move.bootId === bootId && at.nowMs >= move.drainedAtMs;
  const timings: Timings = { ...move.timings, swapMs: sameBoot ? Math.round(at.nowMs - move.drainedAtMs) : 0 };
  const next = { ...machine, phase: { ...trial, move: { ...move, timings } } };
  if (move.revert !== undefined) return enterReverting(next, move.revert, at);
  return { machine: next, effects: [{ kind: "START_WORK" }, { kind: "RESTORE_WORK", shards: move.before.shards }] };
}

/** Not on trial. What became of a move is read from the boot record, which is written last. */
function beginKept(start: Machine, { running, durable, record }: Beginning, at: At): Step<Machine> {
  // What is kept was not given up after all: the record, written last, is what counts.
  const denied = start.memory.denied.filter((digest) => digest !== running.digest);
  const machine: Machine = { ...start, memory: { ...start.memory, denied } };
  const { move } = durable;
  const abandoned = record?.abandoned;
  const clear: readonly Effect[] = abandoned === undefined ? [] : [{ kind: "RECORD", change: clearAbandoned }];
  const restore = move === undefined ? [{ kind: "START_WORK" } as const] : resume(move);
  if (abandoned?.deny === true) {
    const ended = queueOutcome(deny(machine, abandoned.digest), revertedOutcome(abandoned, move), at, RESTORE_HOLD_MS);
    return { machine: ended, effects: [...restore, save(ended), ...clear] };
  }
  if (move !== undefined && move.target.digest === running.digest) {
    // The record was committed, and the power went before anything else was written.
    const outcome = outcomeOf(move, "COMMITTED");
    const ended = queueOutcome(machine, outcome, at, RESTORE_HOLD_MS);
    return { machine: ended, effects: [...restore, save(ended), ...clear] };
  }
  const note: readonly Effect[] = abandoned === undefined ? [] : [{ kind: "NOTE", message: abandoned.message }];
  if (move !== undefined && move.permitId !== "") {
    // Interrupted before the swap. The work comes first; then the coordinator says whether the permit still holds.
    const phase: Asking = {
      name: "ASKING",
      askId: at.freshId,
      permitId: move.permitId,
      attempts: 0,
      retryAtMs: at.nowMs,
      nudged: false,
    };
    return { machine: { ...machine, phase }, effects: [...restore, ...clear, ...note] };
  }
  return { machine, effects: [...restore, ...clear, ...note] };
}

function revertedOutcome(abandoned: NonNullable<BootRecord["abandoned"]>, move: Move | undefined): PendingOutcome {
  const { digest, reason, message } = abandoned;
  const ours = move?.target.digest === digest ? move : undefined;
  const why = ours?.revert ?? { reason: isFailureReason(reason) ? reason : ("AGENT_DID_NOT_START" as const), message };
  return {
    permitId: ours?.permitId ?? "",
    targetDigest: digest,
    kind: "REVERTED",
    ...why,
    timings: ours?.timings ?? { pullMs: 0, drainMs: 0, swapMs: 0, trialMs: 0 },
  };
}

function outcomeOf(move: Move, kind: "COMMITTED"): PendingOutcome {
  const { permitId, target, timings } = move;
  return { permitId, targetDigest: target.digest, kind, message: "", timings };
}

function unknownMove(running: RunningBuild, bootId: string, at: At): Move {
  const { slot, digest, version, releaseCounter } = running;
  return {
    permitId: "",
    target: { slot, digest, version, releaseCounter },
    from: { digest: "", version: "", releaseCounter: 0 },
    before: { shards: [] },
    swapsWork: true,
    bootId,
    permittedAtMs: at.nowMs,
    drainedAtMs: at.nowMs,
    timings: { pullMs: 0, drainMs: 0, swapMs: 0, trialMs: 0 },
    reachable: true,
  };
}
