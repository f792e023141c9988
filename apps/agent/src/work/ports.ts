/** What looking after a workload needs from outside. */
import type { WorkReport } from "../situation.ts";
import type { WorkView } from "../update/state.ts";

/** What a workload says when it is asked. */
export interface WorkAnswer {
  readonly state: Exclude<WorkView["state"], "NONE" | "STOPPED">;
  readonly report: WorkReport;
  readonly inFlight: number;
  readonly startedTotal: bigint;
  readonly shards: readonly string[];
  readonly locked: boolean;
  readonly message: string;
}

/** Speaks with a workload. Every call may throw: then it did not answer. */
export interface Voice {
  readonly situation: () => Promise<WorkAnswer>;
  readonly drain: (deadlineMs: number) => Promise<void>;
  readonly restore: (shards: readonly string[]) => Promise<void>;
  readonly close: () => void;
}

/** One run of a workload. */
export interface Life {
  /** Resolves when it has ended, however that came. */
  readonly ended: Promise<void>;
  /** Ends it: asks, and after `graceMs` insists. Resolves when nothing of it is left. */
  readonly stop: (graceMs: number) => Promise<void>;
}

/** Brings a workload to life. */
export interface Body {
  /** Starts it. Throws where that is not possible. */
  readonly start: () => Promise<Life>;
  /** The life that a former agent started, where it goes on. */
  readonly adopt: () => Promise<Life | undefined>;
  readonly speak: () => Voice;
}

/** A workload that does not do what it is told. */
export class WorkError extends Error {
  readonly code: "NOT_STOPPED";

  constructor(code: "NOT_STOPPED", message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "WorkError";
    this.code = code;
  }
}
