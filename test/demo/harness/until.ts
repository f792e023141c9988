/** Waits for something to become true, with a deadline. It looks often and never hangs. */
import { setTimeout as delay } from "node:timers/promises";

/** How often to look, in milliseconds: short beside anything a person would call waiting. */
const LOOK_EVERY_MS = 50;

/** What was waited for did not happen in time. */
export class WaitedTooLong extends Error {
  constructor(what: string, timeoutMs: number) {
    super(`waited ${(timeoutMs / 1000).toFixed(1)} s in vain until ${what}`);
    this.name = "WaitedTooLong";
  }
}

/** Resolves once `holds` says so; rejects with WaitedTooLong after `timeoutMs`, or as soon as `signal` is aborted. */
export async function until(
  what: string,
  timeoutMs: number,
  holds: () => boolean | Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    if (await holds()) return;
    if (performance.now() - startedMs > timeoutMs) throw new WaitedTooLong(what, timeoutMs);
    await delay(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal });
  }
}
