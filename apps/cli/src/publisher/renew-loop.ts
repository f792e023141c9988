/**
 * The publisher as a service: a fresh timestamp every few hours, for as long as it is left alone. A coordinator that is away,
 * or a clock that is behind, is told and tried again; nothing is signed meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../errors.ts";

/** The first pause after a failure, milliseconds; each further one is twice as long, at most the time between two renewals. */
const BACKOFF_MS = 1000;
/** Pauses are spread by this share to either side, so that many publishers do not come at once. */
const JITTER = 0.1;

/** What the loop needs. */
export interface RenewLoop {
  /** Renews once. */
  readonly renew: () => Promise<void>;
  /** Time between two renewals, milliseconds. */
  readonly everyMs: number;
  /** Ends the loop. */
  readonly signal: AbortSignal;
  /** A number of 0 to 1. */
  readonly chance: () => number;
  readonly onFailure: (error: unknown, nextInMs: number) => void;
}

/** Renews until it is told to end. What its caller did wrong (USAGE) ends it at once, for waiting would not mend it. */
export async function renewUntilEnded({ renew, everyMs, signal, chance, onFailure }: RenewLoop): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    let pauseMs = everyMs;
    try {
      await renew();
      failures = 0;
    } catch (error) {
      if (error instanceof CliError && error.kind === "USAGE") throw error;
      pauseMs = Math.min(everyMs, BACKOFF_MS * 2 ** Math.min(failures, 20));
      failures += 1;
      onFailure(error, pauseMs);
    }
    await sleep(pauseMs * (1 - JITTER + 2 * JITTER * chance()), undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
