/** What the load generator and the process that started it tell each other. */

/** The settings file, in JSON. */
export interface LoadSettings {
  /** What is asked for, as in `http://127.0.0.1:8080/work`. */
  readonly url: string;
  /** Arrivals are drawn from this. */
  readonly seed: number;
  /** A request that is not answered within this has failed, in milliseconds. */
  readonly timeoutMs: number;
}

/** To the generator: from now on so many requests a second; 0 for none. */
export interface LoadCommand {
  readonly kind: "rate";
  readonly rps: number;
}

/** What the asker met, since the start unless said otherwise. */
export interface LoadFigures {
  /** Requests that have ended. */
  readonly total: number;
  /** Those among them that did not get a 200 in time. */
  readonly failed: number;
  /** Requests sent and not ended, now. */
  readonly inFlight: number;
  /** Requests that were due a second, over the last second. */
  readonly offeredRps: number;
  readonly latencyP50Ms: number;
  readonly latencyP99Ms: number;
  /** The longest time without any request going well. */
  readonly longestFailureMs: number;
  /** The same, for requests that a node answered for. */
  readonly longestFailureByNodeMs: Readonly<Record<string, number>>;
  readonly failuresByReason: Readonly<Record<string, number>>;
  readonly answeredByVersion: Readonly<Record<string, number>>;
}

/** From the generator, ten times a second. */
export interface LoadMessage extends LoadFigures {
  readonly kind: "load";
}
