/** A cohort bound as people write it: `1%@now,10%@+2d,100%@2026-12-01T00:00:00Z`. */
import { type CohortBound, type CohortStep, WHOLE_PPM } from "@moult/trust/tuf";
import { parseDurationMs } from "../arguments/duration.ts";
import { parseMomentMs } from "../arguments/moment.ts";
import { parseShare } from "../arguments/share.ts";
import { usageError } from "../errors.ts";

const FORM = "Write it as in 1%@now,10%@+2d,100%@2026-12-01T00:00:00Z.";

/** The bound. `seed`: 32 bytes, the release's own. Throws CliError USAGE. */
export function parseCohort(text: string, seed: Uint8Array, nowMs: number): CohortBound {
  const steps = text.split(",").map((step): CohortStep => {
    const at = step.indexOf("@");
    if (at < 0) throw usageError(`--cohort: "${step}" is no step.`, FORM);
    const sharePpm = Math.round(parseShare(step.slice(0, at)) * WHOLE_PPM);
    return { notBeforeMs: wholeSecond(momentOf(step.slice(at + 1), nowMs)), sharePpm };
  });
  return { seed: Buffer.from(seed).toString("hex"), steps };
}

function momentOf(text: string, nowMs: number): number {
  if (text.startsWith("+")) return nowMs + parseDurationMs(text.slice(1));
  const ms = parseMomentMs(text, nowMs);
  if (ms === undefined) throw usageError(`--cohort: "${text}" is no moment.`, FORM);
  return ms;
}

/** Metadata knows whole seconds. */
function wholeSecond(ms: number): number {
  return ms - (ms % 1000);
}
