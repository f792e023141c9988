/** What happens to the update machine, and what it wants done. Plain data. */
import type { BootRecord } from "@moult/slots";
import type { Durable } from "./durable.ts";
import type { FailureReason, Move, OfferedBuild, PendingOutcome, Refusal, StagedBuild, WorkView } from "./state.ts";

/** A permit as a verdict carries it. */
export interface VerdictPermit {
  readonly permitId: string;
  /** OTHER is a phase this agent does not know, or one it cannot act on. */
  readonly phase: "DRAINING" | "AWAY" | "OTHER";
  readonly expiresInMs: number;
  readonly drainGraceMs: number;
}

/** The answer to an ask. */
export type Verdict =
  | { readonly decision: "STAY"; readonly retryAfterMs: number; readonly message: string }
  | { readonly decision: "PREPARE"; readonly target: OfferedBuild; readonly message: string }
  | {
      readonly decision: "GO";
      readonly target: OfferedBuild;
      readonly permit: VerdictPermit;
      readonly message: string;
    };

/** How a coordinator counts the node. OTHER is a state this agent does not know. */
export type NodeState = "SERVING" | "LEAVING" | "AWAY" | "RETURNED" | "LOST" | "OTHER";

/** What happens. */
export type Event =
  /** Time has passed; a deadline may be due. */
  | { readonly kind: "TICK" }
  /** "Look now." */
  | { readonly kind: "NUDGED" }
  /** `refusal` is what gate 1 on the device says against the target of a PREPARE or a GO; undefined where it lets it pass. */
  | {
      readonly kind: "VERDICT";
      readonly askId: string;
      readonly verdict: Verdict;
      readonly refusal?: Refusal;
    }
  /** Something came that speaks against any move, as a breaker's brake. */
  | { readonly kind: "FORBIDDEN"; readonly refusal: Refusal }
  /** No coordinator answered the ask. */
  | { readonly kind: "ASK_FAILED"; readonly askId: string; readonly message: string }
  | { readonly kind: "PULLED"; readonly build: StagedBuild }
  | {
      readonly kind: "PULL_FAILED";
      readonly digest: string;
      readonly reason: FailureReason;
      readonly message: string;
      /** The other slot may have been replaced or emptied: what was staged cannot be relied on. */
      readonly stagedLost: boolean;
    }
  /** The workload was looked at. */
  | { readonly kind: "WORK"; readonly work: WorkView }
  /** The coordinator took in that the node is back. */
  | { readonly kind: "PROGRESS_TOLD"; readonly state: NodeState }
  | { readonly kind: "PROGRESS_FAILED"; readonly message: string }
  | { readonly kind: "OUTCOME_TOLD" }
  /** `permanent` where the coordinator will never take it in. */
  | { readonly kind: "OUTCOME_FAILED"; readonly permanent: boolean; readonly message: string }
  /** The last RECORD effect is safe on the disk. */
  | { readonly kind: "RECORDED" }
  /** STOP_WORK failed, and the effects that came after it were not carried out; or START_WORK did. */
  | { readonly kind: "WORK_FAILED"; readonly message: string }
  /** SAVE or RECORD failed; the effects that came after it were not carried out. */
  | { readonly kind: "DISK_FAILED"; readonly effect: "SAVE" | "RECORD"; readonly message: string };

/** The event of that kind. */
export type EventOf<K extends Event["kind"]> = Extract<Event, { kind: K }>;

/** What the machine wants done. Effects of one step are carried out in their order, each after the one before. */
export type Effect =
  /** Answered by VERDICT or ASK_FAILED. */
  | {
      readonly kind: "ASK";
      readonly askId: string;
      readonly stagedDigest: string;
      readonly permitId: string;
      readonly drained: boolean;
    }
  /** Answered by PULLED or PULL_FAILED. */
  | { readonly kind: "PULL"; readonly target: OfferedBuild }
  | { readonly kind: "DRAIN_WORK"; readonly deadlineMs: number }
  | { readonly kind: "RESTORE_WORK"; readonly shards: readonly string[] }
  /** Makes the running build's workload the one that runs; leaves it alone where it is that already. Or WORK_FAILED. */
  | { readonly kind: "START_WORK" }
  /** Returns once the workload has ended; WORK_FAILED where it cannot be ended. */
  | { readonly kind: "STOP_WORK" }
  /** A pulse, now. */
  | { readonly kind: "PULSE" }
  /** Progress RETURNED; answered by PROGRESS_TOLD or PROGRESS_FAILED. */
  | { readonly kind: "TELL_RETURNED"; readonly permitId: string }
  /** Answered by OUTCOME_TOLD or OUTCOME_FAILED. */
  | { readonly kind: "TELL_OUTCOME"; readonly outcome: PendingOutcome }
  /** Makes the machine's durable part safe; DISK_FAILED where that is not possible. */
  | { readonly kind: "SAVE"; readonly durable: Durable }
  /** Changes the boot record; answered by RECORDED or DISK_FAILED. */
  | { readonly kind: "RECORD"; readonly change: (record: BootRecord) => BootRecord }
  /** A sentence for the log. */
  | { readonly kind: "NOTE"; readonly message: string }
  /** Ends this agent; the launcher reads the boot record and starts what it says. */
  /**
   * Starts the workload of a build that is on trial from now on, for its agent to adopt: so that the workload comes up while
   * that agent does. May fail unheard; the next agent starts what does not run.
   */
  | { readonly kind: "START_NEXT_WORK"; readonly target: Move["target"] }
  | { readonly kind: "HAND_OVER" };

/** The machine after an event, and what is to be done. */
export interface Step<M> {
  readonly machine: M;
  readonly effects: readonly Effect[];
}
