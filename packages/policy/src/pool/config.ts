/** What gate 3 may be tuned by. All durations are milliseconds, all ratios are of 1. */

import type { RiskConfig } from "./risk.ts";

/** Settings of every pool of a coordinator. */
export interface PoolConfig {
  /** Capacity wanted above the demand, as a share of the demand, whatever the forecast says: a floor. */
  readonly marginRatio: number;
  /** A report older than this brings no capacity; its load still counts. */
  readonly reportFreshMs: number;
  /** How long a permit lasts before its node is recorded as lost. */
  readonly permitTtlMs: number;
  /** How long a node may drain. */
  readonly drainGraceMs: number;
  /** How long an absence is expected to last until absences of a build have been observed. */
  readonly absencePredictedMs: number;
  /** Share of a pool's capacity that may be on leave within one domain. The first node of a domain may always leave. */
  readonly domainCapRatio: number;
  /** Live holders that every shard keeps. */
  readonly shardHoldersMin: number;
  /** The look ahead; what is absent is as RISK_DEFAULTS. */
  readonly risk?: Partial<RiskConfig>;
}

/** Defaults for home nodes that ask every 15 minutes and report every minute or two. */
export const POOL_DEFAULTS: PoolConfig = {
  marginRatio: 0.15,
  reportFreshMs: 300_000,
  permitTtlMs: 1_800_000,
  drainGraceMs: 300_000,
  absencePredictedMs: 60_000,
  domainCapRatio: 0.25,
  shardHoldersMin: 1,
};
