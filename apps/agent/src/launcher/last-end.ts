/** What a launcher that comes after another one's agent knows of how that agent ended. Pure. */
import type { Life } from "../adapters/agent-life.ts";
import type { AgentEnd } from "./after-end.ts";
import type { StartNote } from "./leftovers.ts";

/** The end of the start in `note`, as far as it is known; `life` is what the agent wrote down of it. */
export function lastEnd(note: StartNote, life: Life | undefined, nowMs: number, trialLimitMs: number): AgentEnd {
  const own = life?.startId === note.startId ? life : undefined;
  const { trial } = note;
  const kept = own?.kept === true;
  const lastedMs = nowMs - note.startedMs;
  const wasUp = own?.wasUp === true;
  const code = own?.code;
  return {
    trial,
    wasUp,
    kept,
    code,
    lastedMs,
    overdue: trial && !kept && lastedMs >= trialLimitMs,
    how:
      code === undefined ? (wasUp ? "it came up and was killed" : "it did not come up") : `it ended with code ${code}`,
  };
}
