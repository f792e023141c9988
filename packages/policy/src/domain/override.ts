/** An override: leave to pass gate 3 (and nothing else), for a reason, up to a deficit, until a time. */
export interface Override {
  readonly overrideId: string;
  readonly poolId: string;
  /** Empty for every node of the pool. */
  readonly nodeIds: readonly string[];
  readonly reason: string;
  /** How far capacity may fall below what gate 3 wants, in units of work a second. */
  readonly deficitMaxRps: number;
  readonly allowShardAndDomain: boolean;
  readonly expiresAtMs: number;
}
