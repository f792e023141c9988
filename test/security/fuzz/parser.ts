/** What a parser under test is: how it is called, what it may throw, and valid inputs to begin with. */

/** One way in which bytes from outside enter. */
export interface Parser {
  /** What it reads, in a few words; seeds depend on it, so that a rename changes every input. */
  readonly name: string;
  /** Exported functions whose bytes these are, as `packages/trust/src/keys.ts#parsePublicKey`. */
  readonly covers: readonly string[];
  /** Valid inputs, or nearly; made once in each worker. */
  readonly samples: () => readonly Uint8Array[];
  readonly parse: (bytes: Uint8Array) => unknown;
  /** What it may throw; nothing at all where this is left out. */
  readonly refuses?: (error: unknown) => boolean;
  /** Takes far longer than the others, so that it gets fewer inputs. */
  readonly dear?: boolean;
}

/** Whether an error is of one of these classes. */
export function oneOf(...classes: readonly (new (...args: never[]) => Error)[]): (error: unknown) => boolean {
  return (error) => classes.some((kind) => error instanceof kind);
}

/** Bytes as readers of texts get them. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

/** A text as bytes. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}
