/** A moment as people write it. */

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** `now`, or `2026-12-01T00:00:00Z`, in milliseconds since 1970; undefined where it is neither. */
export function parseMomentMs(text: string, nowMs: number): number | undefined {
  if (text === "now") return nowMs;
  const ms = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
