/** The circumstances of a step: time, chance and settings, all handed in. */

/** Settings of the machine. All times in milliseconds. */
export interface Tunables {
  /** Mean time between two asks. */
  readonly wakeIntervalMs: number;
  /** The first ask after a start comes within this time, uniformly. */
  readonly firstAskWithinMs: number;
  /** After a nudge the ask comes within this time, uniformly. */
  readonly nudgeJitterMs: number;
  /** Drained is when nothing was begun or in flight for this long. */
  readonly quietMs: number;
  /** A trial that is not decided by then is reverted. */
  readonly trialTimeoutMs: number;
  /** How much longer a build has to prove itself where no coordinator can confirm it. */
  readonly unreachableSoakMs: number;
  /** How often a build on trial may be started. */
  readonly trialTries: number;
  /** Calls to a coordinator that failed are repeated after a random time that grows from this … */
  readonly reconnectMinMs: number;
  /** … to this. */
  readonly reconnectMaxMs: number;
  /** A build that could not be staged is tried again after this time, doubled each time in a row … */
  readonly failureBackoffMs: number;
  /** … up to this. */
  readonly failureBackoffMaxMs: number;
}

/** One moment. */
export interface At {
  /** The host's monotonic clock, in milliseconds. */
  readonly nowMs: number;
  /** Uniform in [0, 1), a fresh one each step. */
  readonly roll: number;
  /** An id that was never used before, a fresh one each step. */
  readonly freshId: string;
  readonly tunables: Tunables;
}
