/** When the device asks for newer metadata: beside a wake, never by a timer of its own. Pure. */
import type { TrustView } from "./view.ts";

/** News that came with a verdict. */
export interface News {
  /** Newest timestamp that the coordinator says is published; 0 for none. A hint, nothing more. */
  readonly timestampVersion: number;
  /** The build that is offered, or that leave was given for. */
  readonly digest?: string;
  /** Whether the device is about to leave for it. */
  readonly leaving: boolean;
}

/** One moment. */
export interface Moment {
  /** T, milliseconds since 1970. */
  readonly nowMs: number;
  /** The monotonic clock, in milliseconds. */
  readonly clockMs: number;
  /** Uniform in [0, 1); the same for one device until its next refresh, so that a fleet's refreshes stay spread. */
  readonly roll: number;
}

/**
 * Why to refresh. MOVE: a build is at stake, so it cannot wait. ROUTINE: it may wait for the next wake where this one
 * writes something else.
 */
export type RefreshReason = "MOVE" | "ROUTINE";

/** A view is asked about again at this age, in milliseconds, a quarter less or more. */
const AGE_MS = 6 * 3_600_000;

/** Before a device leaves, its view is not older than this, in milliseconds. */
const LEAVING_AGE_MS = 3_600_000;

/** Whether to refresh now, and why; undefined where what is known will do. */
export function refreshReason(view: TrustView, news: News, moment: Moment): RefreshReason | undefined {
  // Without a root nothing that could be fetched would be believed.
  if (view.root === undefined) return undefined;
  const stale = isStale(view, moment.nowMs);
  const ageMs = view.checkedAtMs === undefined ? Number.POSITIVE_INFINITY : moment.clockMs - view.checkedAtMs;
  const newer = news.timestampVersion > view.timestampVersion;
  if (news.digest !== undefined) {
    const unlisted = view.network?.allowlist.builds.has(news.digest) !== true;
    if (stale || newer || unlisted || (news.leaving && ageMs > LEAVING_AGE_MS)) return "MOVE";
  }
  return stale || newer || ageMs > AGE_MS * (0.75 + 0.5 * moment.roll) ? "ROUTINE" : undefined;
}

/** Whether nothing may be begun by what is kept. */
export function isStale({ network }: TrustView, nowMs: number): boolean {
  return network === undefined || network.staleFromMs <= nowMs;
}
