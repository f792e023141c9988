/** Waits for a peer that is just being started again. Only for what may be repeated with the same effect. */
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../errors.ts";

/** A coordinator is back within seconds, and a person can wait for that. */
const ATTEMPTS = 5;
const PAUSE_MS = 1_000;

/** Does `attempt` again while its peer does not answer; throws what the last one threw. */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !(error instanceof CliError) || error.kind !== "UNREACHABLE") throw error;
      await sleep(PAUSE_MS);
    }
  }
}
