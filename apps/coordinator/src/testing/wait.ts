/** Waiting in tests: for what is wanted, with a deadline, never for a time. */
import { setTimeout as pause } from "node:timers/promises";

const DEADLINE_MS = 10_000;
/** Between two looks; short against what is waited for. */
const LOOK_MS = 10;

/** The first value that `look` finds; fails after the deadline and says what was waited for. */
export async function until<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  deadlineMs: number = DEADLINE_MS,
): Promise<T> {
  const endMs = Date.now() + deadlineMs;
  while (Date.now() < endMs) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await pause(LOOK_MS);
  }
  throw new Error(`not within ${deadlineMs} ms: ${what}`);
}
