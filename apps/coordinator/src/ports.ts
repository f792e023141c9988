/** What the coordinator wants of the world. Only `main.ts` builds the real ones. */

/** Wall-clock time. */
export interface Clock {
  /** Whole milliseconds since the epoch. */
  readonly now: () => number;
}

/** Randomness that cannot be guessed. */
export interface Random {
  readonly bytes: (count: number) => Uint8Array;
  readonly uuid: () => string;
}

/** A log line: facts, then a sentence. */
export interface Log {
  readonly info: (facts: object, message: string) => void;
  readonly warn: (facts: object, message: string) => void;
  readonly error: (facts: object, message: string) => void;
}
