/** Durations as people write them: `90s`, `10m`, `1h30m`, `30d`. */
import { usageError } from "../errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const WHOLE = /^(?:\d{1,9}(?:ms|[smhd]))+$/;
const PIECE = /(\d+)(ms|[smhd])/g;

/** The duration in milliseconds. */
export function parseDurationMs(text: string): number {
  if (!WHOLE.test(text)) {
    throw usageError(`"${text}" is not a duration.`, "Write it as in 500ms, 90s, 10m, 1h30m or 30d.");
  }
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PIECE)) ms += Number(count) * (UNIT_MS[unit ?? ""] ?? Number.NaN);
  return ms;
}

/** The duration in whole seconds, 1 to `maxS`. */
export function parseDurationS(text: string, maxS: number): number {
  const ms = parseDurationMs(text);
  if (ms % 1000 !== 0 || ms < 1000 || ms > maxS * 1000) {
    throw usageError(`"${text}" is out of range.`, `It must be whole seconds, 1 to ${maxS}.`);
  }
  return ms / 1000;
}
