/** Waits for the store no longer than is good for those who wait beside it. */
import { setTimeout as sleep } from "node:timers/promises";

/** About a lease: whoever hears nothing for so long cannot know who decides. */
export const ANSWER_MS = 3_000;

/** It took too long. What comes of it is not heard any more. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
}

/** What `work` resolves with. Rejects with its error, or Unanswered after `ms`. */
export async function within<T>(work: Promise<T>, ms: number = ANSWER_MS): Promise<T> {
  const ended = new AbortController();
  const late = sleep(ms, undefined, { signal: ended.signal }).then((): never => {
    throw new Unanswered(`no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    ended.abort();
  }
}
