/** What the checker works on: entries of the audit log as anybody may read them, and what it finds wrong. */

/** One entry of a pool's log. */
export interface Entry {
  readonly pool: string;
  readonly seq: number;
  readonly atMs: number;
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * `tree`: the entries are not those that were signed. `gap`: a place in a pool's log is missing or taken twice.
 * `double-grant`: a node got a permit beside the one that it has, or a permit was given twice. `over-limit`: more was let go
 * than might be on leave. `totals`: what the decider had in its books is not what the log comes to. `step`: a permit moved
 * where it could not. `expiry`: one ran out before its time. `clock`: a pool's log
 * goes back in time, by more than clocks are apart. `final`: the permits in force are not those that the log
 * comes to. `lost`: a word that was acknowledged is not in the log. `untrue`: the decider took less to be asked
 * for, or more to serve, than nodes told it. `unchecked`: an entry says too little to be judged.
 */
export type Rule =
  | "tree"
  | "gap"
  | "double-grant"
  | "over-limit"
  | "totals"
  | "step"
  | "expiry"
  | "clock"
  | "final"
  | "lost"
  | "untrue"
  | "unchecked";

/** One thing that is wrong. */
export interface Fault {
  readonly rule: Rule;
  /** One sentence. */
  readonly text: string;
}

/** A permit in force. */
export interface HeldPermit {
  readonly permitId: string;
  readonly nodeId: string;
  /** DRAINING, AWAY or RETURNED. */
  readonly phase: string;
}
