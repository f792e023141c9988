/** Whether this version finds on the device what it cannot do without. It reads files and judges; it repairs nothing. */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Between two looks, in milliseconds. */
const LOOK_EVERY_MS = 100;

/**
 * A sentence that says what is missing under `folder`, or undefined where everything is there. What is missing is given
 * `patienceMs` to appear: a disk may be mounted a moment later than its user starts.
 */
export async function findMissing(
  folder: string,
  needs: readonly string[],
  patienceMs: number,
): Promise<string | undefined> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const missing = await lookOnce(folder, needs);
    if (missing === undefined || waitedMs >= patienceMs) return missing;
    await delay(LOOK_EVERY_MS);
  }
}

async function lookOnce(folder: string, needs: readonly string[]): Promise<string | undefined> {
  for (const name of needs) {
    try {
      await access(join(folder, name));
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
      return `needs the file ${name}, which is not in this build (${code})`;
    }
  }
  return undefined;
}
