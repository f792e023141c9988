/** What gate 3's look ahead may be tuned by, and the moments at which it looks. */

/** Settings of the forecast and of the reserve. Durations are milliseconds, ratios are of 1. */
export interface RiskConfig {
  /** How many standard deviations of everything that may go wrong the reserve covers; 0 for the flat margin alone. */
  readonly z: number;
  /** What deadline pressure may shrink `z` to. */
  readonly zLeast: number;
  /** A node that was refused for so long becomes its pool's hold. */
  readonly holdAfterMs: number;
  /** A waiter that has not asked for so long is forgotten. */
  readonly waiterSilentMs: number;
  /** Pressure begins so long before a deadline. */
  readonly pressureMs: number;
}

/**
 * z 2.8, one in 400: a rollout meets tens of pools some ten times each, so that one in a hundred (2.33) would be a violation in
 * every rollout; beyond 3 tight pools no longer fit a rollout in before their peak. Hold after four hours: a busy evening
 * passes first.
 */
export const RISK_DEFAULTS: RiskConfig = {
  z: 2.8,
  zLeast: 1.64,
  holdAfterMs: 14_400_000,
  waiterSilentMs: 1_800_000,
  pressureMs: 86_400_000,
};

/** Minutes from now at which need, reserve and what is back by then are weighed. Finer where more happens. */
export const HORIZONS_MIN: readonly number[] = [0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 22, 26, 30, 40, 50, 60];

/** Milliseconds in a minute: the ledger's look ahead counts in minutes. */
export const MINUTE_MS = 60_000;
