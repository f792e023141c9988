/** Waiting for what must come, with a deadline instead of a guess. */
import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks, in milliseconds. */
const LOOK_MS = 15;

/** Resolves with the first answer that is not undefined or false. Rejects after `withinMs`. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = 15_000,
): Promise<Exclude<T, undefined | false>> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen as Exclude<T, undefined | false>;
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come within ${withinMs} ms`);
    await sleep(LOOK_MS);
  }
}
