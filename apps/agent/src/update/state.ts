/**
 * What the update machine knows: one phase with its own data, and a memory that outlasts phases. Plain data, no methods;
 * the clock in it is the host's monotonic one in milliseconds.
 */
import type { SlotName } from "@moult/slots";

/** A build by name. */
export interface BuildRef {
  /** SHA-256 of its manifest, 64 lowercase hexadecimal digits. */
  readonly digest: string;
  readonly version: string;
  readonly releaseCounter: number;
}

/** The build this agent belongs to. */
export interface RunningBuild extends BuildRef {
  readonly slot: SlotName;
  /** Stands for the workload's parts and command; equal where the workload is the same. */
  readonly workIdentity: string;
  /** On trial, the workload must serve within this time after its start, in milliseconds. */
  readonly healthTimeoutMs: number;
  /** On trial, it must then serve without a break for this long, in milliseconds. */
  readonly soakMs: number;
}

/** A build that is whole, verified and ready in the other slot. */
export interface StagedBuild extends BuildRef {
  readonly slot: SlotName;
  readonly workIdentity: string;
  /** How long pulling took, in milliseconds; 0 where it was staged before this agent started. */
  readonly pullMs: number;
}

/** A build the coordinator offers. Nothing of it is believed but what the allowlist says too. */
export interface OfferedBuild extends BuildRef {
  /** Length of the manifest, in bytes. */
  readonly manifestBytes: number;
  /** Base URLs, best first. */
  readonly sources: readonly string[];
}

/** Why a move did not end in a commit: the contract's FailureReason by name. */
export type FailureReason =
  | "AGENT_DID_NOT_START"
  | "HEALTH_CHECK"
  | "WORKLOAD_NOT_RESTORED"
  | "REJOIN_NOT_CONFIRMED"
  | "TRIAL_TIMEOUT"
  | "NOT_APPROVED"
  | "UNSUITABLE"
  | "PULL"
  | "DISK_FULL"
  | "DRAIN_TIMEOUT"
  | "PERMIT_EXPIRED"
  | "REFUSED"
  | "DISK"
  | "METADATA"
  | "BRAKED"
  | "OUTSIDE_COHORT";

/** Why gate 1 on the device, the council's allowlist and what goes with it, does not let it move. */
export interface Refusal {
  readonly reason: Extract<FailureReason, "NOT_APPROVED" | "UNSUITABLE" | "METADATA" | "BRAKED" | "OUTSIDE_COHORT">;
  readonly message: string;
}

/** How long the steps of a move took, in milliseconds. */
export interface Timings {
  readonly pullMs: number;
  readonly drainMs: number;
  readonly swapMs: number;
  readonly trialMs: number;
}

/** What the workload is doing, as last seen. */
export interface WorkView {
  readonly state: "NONE" | "STARTING" | "SERVING" | "DRAINING" | "STOPPED" | "FAILED";
  /** Whether this run of the workload has answered; its counters mean something only then. */
  readonly answering: boolean;
  /** Which run of the workload this is; another number after each start. */
  readonly run: number;
  /** How often it ended without being told to, since this agent was asked to run it. */
  readonly exits: number;
  /** Units of work begun and not finished. */
  readonly inFlight: number;
  /** Units of work begun since the workload started. */
  readonly startedTotal: bigint;
  readonly shards: readonly string[];
  /** The workload must not be interrupted now. */
  readonly locked: boolean;
  /** Whether this run has taken in the last Drain or Restore. */
  readonly told: boolean;
  /** It was told to drain and hangs: nobody is there who could finish anything. */
  readonly deaf?: boolean;
  /** For FAILED: why. */
  readonly message: string;
}

/** What was running before a swap; what "restored" is checked against. */
export interface Before {
  readonly shards: readonly string[];
}

/** A move from one build to another, from the permit to the outcome. */
export interface Move {
  readonly permitId: string;
  readonly target: BuildRef & { readonly slot: SlotName };
  readonly from: BuildRef;
  readonly before: Before;
  /** Whether the workload is another one in the new build. Where not, it works on through the swap. */
  readonly swapsWork: boolean;
  /** The host's boot in which the times below were taken; they mean nothing in another. */
  readonly bootId: string;
  readonly permittedAtMs: number;
  readonly drainedAtMs: number;
  readonly timings: Timings;
  /** Whether the coordinator could be reached when the old agent stopped. */
  readonly reachable: boolean;
  /** Set once the new build has been given up. */
  readonly revert?: { readonly reason: FailureReason; readonly message: string };
}

/** Asleep. */
export interface Idle {
  readonly name: "IDLE";
  readonly wakeAtMs: number;
}

/** An ask is under way, or waits to be repeated. */
export interface Asking {
  readonly name: "ASKING";
  readonly askId: string;
  /** A permit held from before a restart; empty where there is none. */
  readonly permitId: string;
  readonly attempts: number;
  /** When to repeat it; undefined while an answer may come. */
  readonly retryAtMs?: number;
  /** A nudge came meanwhile: look again after a "no". */
  readonly nudged: boolean;
}

/** A build is being pulled, verified and staged; the workload works on. */
export interface Pulling {
  readonly name: "PULLING";
  readonly target: OfferedBuild;
}

/** A time without work. */
export interface Quiet {
  readonly sinceMs: number;
  /** The workload's counter then. */
  readonly startedTotal: bigint;
  /** The run the counter belongs to. */
  readonly run: number;
}

/** Permitted to leave; the workload finishes what it has. */
export interface Draining {
  readonly name: "DRAINING";
  readonly move: Move;
  /** The permit's deadline: not quiet by then, and the move is called off. */
  readonly deadlineAtMs: number;
  /** Since when nothing was begun or in flight. */
  readonly quiet?: Quiet;
}

/** Drained, and asking once more whether it may go. */
export interface Departing {
  readonly name: "DEPARTING";
  readonly move: Move;
  readonly deadlineAtMs: number;
  readonly quiet: Quiet;
  readonly askId: string;
  readonly attempts: number;
  readonly retryAtMs?: number;
}

/** Away with a GO: stopping the workload, writing the boot record, handing over. Ends with this agent's exit. */
export interface Swapping {
  readonly name: "SWAPPING";
  readonly move: Move;
}

/** On trial: the workload has to serve, and to go on serving. */
export interface Trial {
  readonly name: "TRIAL";
  readonly move: Move;
  readonly startedAtMs: number;
  readonly healthyByMs: number;
  readonly deadlineAtMs: number;
  readonly servingSinceMs?: number;
  /** When time alone next decides something. */
  readonly checkAtMs: number;
}

/** On trial, healthy: the coordinator has to confirm that the node is back. */
export interface Returning {
  readonly name: "RETURNING";
  readonly move: Move;
  readonly startedAtMs: number;
  /** Then it is decided without the coordinator. */
  readonly deadlineAtMs: number;
  readonly attempts: number;
  readonly retryAtMs?: number;
}

/** The boot record is being written: the new build is kept. */
export interface Committing {
  readonly name: "COMMITTING";
  readonly move: Move;
  readonly startedAtMs: number;
}

/** The new build is being given up. Ends with this agent's exit. */
export interface Reverting {
  readonly name: "REVERTING";
  readonly move: Move;
}

/** Where the agent stands. */
export type Phase =
  | Idle
  | Asking
  | Pulling
  | Draining
  | Departing
  | Swapping
  | Trial
  | Returning
  | Committing
  | Reverting;

/** The phases by name. */
export type PhaseName = Phase["name"];

/** The phase of that name. */
export type PhaseOf<N extends PhaseName> = Extract<Phase, { name: N }>;

/** How a move ended, not yet acknowledged by the coordinator. */
export interface PendingOutcome {
  /** Empty where the move ended before a permit was granted. */
  readonly permitId: string;
  readonly targetDigest: string;
  readonly kind: "COMMITTED" | "REVERTED" | "FAILED";
  readonly reason?: FailureReason;
  readonly message: string;
  readonly timings: Timings;
}

/** The telling of an outcome. */
export interface Telling {
  readonly outcome: PendingOutcome;
  /** The workload is waited for until then, so that the outcome brings the node's capacity back with it. */
  readonly holdUntilMs: number;
  readonly attempts: number;
  /** When to tell; undefined while an answer may come. */
  readonly tellAtMs?: number;
}

/** A build that failed before it was started; it may be tried again later. */
export interface Setback {
  readonly digest: string;
  readonly reason: FailureReason;
  /** How often in a row. */
  readonly count: number;
  readonly notBeforeMs: number;
}

/** What outlasts phases. */
export interface Memory {
  readonly running: RunningBuild;
  readonly staged?: StagedBuild;
  /** Digests that were tried and reverted, newest first. Never tried again. */
  readonly denied: readonly string[];
  readonly telling?: Telling;
  readonly setback?: Setback;
  readonly work: WorkView;
  /** Whether the last call to a coordinator was answered. */
  readonly reachable: boolean;
  /** The host's present boot. */
  readonly bootId: string;
  /** Until a coordinator has answered since the start: asks fall at this time, and each wake interval after it. */
  readonly beatMs?: number;
}

/** The whole. */
export interface Machine {
  readonly phase: Phase;
  readonly memory: Memory;
}
