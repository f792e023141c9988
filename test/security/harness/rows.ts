/**
 * The design's list of attacks, word for word, in its order; with those that need what is not built yet, and what that is.
 * `BEYOND` is for attacks that the list does not name.
 */

/** Rows that wait for governance: proposals, votes, timelocks and windows are no part of the programs yet. */
const LATER = {
  "activate before the timelock": "there is no timelock before there are proposals",
  "leaf not logged": "an install waits for its proposal's leaf, and there are no proposals yet",
  "front-run proposal": "there are no proposals yet",
  "double or late vote": "votes belong to proposals",
  "vote replayed on edited content":
    "votes belong to proposals; that no signature fits other content is tested by others",
  "execute twice": "there is nothing to execute before there are proposals",
  "lower the delay for oneself": "there is no delay before there are proposals",
  "brick by parameter": "the parameters are the governance's own",
  "missing provenance": "provenance is judged in a proposal's validation",
} as const;

const NOW = [
  "unapproved digest",
  "one council key",
  "same key under two ids",
  "duplicate signatures",
  "threshold 0",
  "small-order key",
  "malleable or truncated signature",
  "old metadata",
  "old image with a valid verdict",
  "recalled build",
  "stale timestamp",
  "version at maximum",
  "mixed metadata",
  "endless data, slow drip",
  "wrong platform",
  "partial bundle",
  "verdict replayed, for another node, after a reboot",
  "cross-type or cross-network signature",
  "re-encoded protobuf",
  "forged load",
  "cloned device key",
  "replayed ask",
  "Sybil enrolment",
  "everyone at once",
  "starving one node",
  "brake suppressed",
  "breaker tries to approve or resume",
  "brake for ever",
  "split view, truncation of the log",
  "root skips a version or lacks the old threshold",
  "clock back or forward",
  "far-future signed time",
  "pinned server key lost",
  "coordinator restored from an old backup",
  "power loss mid-swap",
  "health lies, crash loop",
  "unlisted method",
  "oversized message, compression bomb",
  "path and role-name tricks",
] as const;

/** Attacks that the design's list does not name. */
export const BEYOND = "beyond the list";

export type Row = (typeof NOW)[number] | typeof BEYOND;

/** Rows that must have an attack. */
export const ROWS: readonly Row[] = NOW;

/** Rows that come with the governance, and why. */
export const GOVERNANCE: Readonly<Record<string, string>> = LATER;
