/**
 * What the command takes from the world besides files and the network: terminal, environment, clock, randomness, the
 * person at the keyboard. Real ones are made in `main.ts`, others in tests.
 */

/** Where text goes. */
export interface Sink {
  readonly write: (text: string) => void;
  /** Whether a person sees it as it comes. */
  readonly isTTY: boolean;
  /** Width in characters; 80 where not known. */
  readonly columns: number;
}

/** Everything a verb may use. */
export interface Ports {
  /** Answers, and nothing else, so that they can be piped. */
  readonly stdout: Sink;
  /** Errors, warnings, progress and questions. */
  readonly stderr: Sink;
  /** Whether somebody could answer a question. */
  readonly stdinIsTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The platform of this machine, as Node.js names it. */
  readonly host: { readonly os: string; readonly arch: string };
  /** Milliseconds since 1970; only for showing ages. */
  readonly now: () => number;
  /** A new id of 36 characters, never seen before. */
  readonly randomId: () => string;
  /** Randomness for a new private key, 32 bytes. */
  readonly randomSeed: () => Uint8Array;
  /** Asks a yes-or-no question. Only called where somebody can answer. */
  readonly confirm: (question: string) => Promise<boolean>;
  /** Aborted on Ctrl-C. From the first call on, Ctrl-C no longer ends the process by itself. */
  readonly interrupted: () => AbortSignal;
}
