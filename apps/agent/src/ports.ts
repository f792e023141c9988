/** What the agent needs from outside itself. Only `main.ts` builds the real ones. */
import type { HostFacts, Situation } from "./situation.ts";
import type { NodeState, Verdict } from "./update/events.ts";
import type { FailureReason, PendingOutcome, RunningBuild } from "./update/state.ts";

/** Time that only moves forward, and waiting. */
export interface Clock {
  /** The host's monotonic clock in milliseconds; the same for all processes of one boot. */
  readonly nowMs: () => number;
  /** Resolves after `waitMs`, or at once when `signal` is aborted. */
  readonly wait: (waitMs: number, signal?: AbortSignal) => Promise<void>;
}

/** Chance. */
export interface Chance {
  /** Uniform in [0, 1). */
  readonly roll: () => number;
  /** A name that was never used before: 1 to 64 letters, digits and dashes. */
  readonly freshId: () => string;
}

/** What happened, for whoever reads the device's standard output. */
export interface Log {
  readonly debug: (facts: object, message: string) => void;
  readonly info: (facts: object, message: string) => void;
  readonly warn: (facts: object, message: string) => void;
  readonly error: (facts: object, message: string) => void;
}

/** Why a call to a coordinator brought nothing. */
export type CallErrorCode =
  /** None could be reached, or none answered in time; worth repeating. */
  | "UNREACHABLE"
  /** One answered that it will not do this; repeating it changes nothing soon. */
  | "REFUSED";

/** A call that brought nothing. */
export class CallError extends Error {
  readonly code: CallErrorCode;
  /** Name in the contract's ErrorReason; empty where none was given. */
  readonly reason: string;

  constructor(code: CallErrorCode, reason: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "CallError";
    this.code = code;
    this.reason = reason;
  }
}

/** What an ask brought. */
export interface Answer {
  readonly verdict: Verdict;
  /** Signed brakes, nothing of which was looked at; each within the bounds of a statement. */
  readonly brakes: readonly Uint8Array[];
  /** Newest timestamp that the coordinator says is published; 0 for none. */
  readonly timestampVersion: number;
}

/** An ask, without what the wire adds by itself. */
export interface AskInput {
  readonly askId: string;
  readonly running: RunningBuild;
  readonly situation: Situation;
  readonly stagedDigest: string;
  readonly permitId: string;
  readonly drained: boolean;
  readonly deniedDigests: readonly string[];
  /** Of the newest timestamp that was verified; 0 for none. */
  readonly timestampVersion: number;
}

/** A report, without what the wire adds by itself. */
export type ReportInput = {
  readonly running: RunningBuild;
  readonly situation: Situation;
} & (
  | { readonly kind: "pulse" }
  | { readonly kind: "returned"; readonly permitId: string }
  | { readonly kind: "outcome"; readonly outcome: PendingOutcome }
);

/** What comes down the stream. */
export interface Attendant {
  readonly nudged: () => void;
  /** `brakes` are signed ones, nothing of which was looked at. */
  readonly braked: (engaged: boolean, reason: string, brakes: readonly Uint8Array[]) => void;
  /** The stream is open: the first pulse has to follow at once. */
  readonly opened: () => void;
}

/** The coordinators, as one. Calls throw CallError. */
export interface Coordinator {
  readonly ask: (input: AskInput) => Promise<Answer>;
  readonly report: (input: ReportInput) => Promise<NodeState>;
  /** Holds the stream open, for ever, where the settings want one. */
  readonly attend: (attendant: Attendant) => void;
  readonly close: () => void;
}

/** Facts about the host. */
export interface Host {
  /** Cheap: reads a few files. */
  readonly glance: () => Promise<HostFacts>;
  /** Thorough, and slower: may start processes. */
  readonly study: () => Promise<HostFacts>;
}

/** The process that started this one. */
export interface Launcher {
  /** This agent is up and looks after its device. */
  readonly tellUp: () => void;
  readonly tellAlive: () => void;
  /** The trial has ended in a commit. */
  readonly tellKept: () => void;
}

/** A step of staging that failed. */
export class StageError extends Error {
  readonly code: FailureReason;

  constructor(code: FailureReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StageError";
    this.code = code;
  }
}
