/**
 * One side of a stream that goes over a trunk. Neither side sends more than a few messages that the other has not said it took,
 * so a slow reader makes its writer wait, and what waits is bounded by streams times messages.
 */
import type { RpcError } from "@moult/contracts";

/** Messages that one side may be ahead of the other; as in the proto. */
export const AHEAD_MAX = 4;

/** What the stream has to say to the other side. */
export interface StreamTeller {
  readonly message: (message: Uint8Array) => void;
  /** So many more were taken. */
  readonly taken: (count: number) => void;
}

/** A side. */
export class TrunkStream {
  readonly #tell: StreamTeller;
  #came: Uint8Array[] = [];
  #end: { readonly error: RpcError | undefined } | undefined;
  #wakeReader: (() => void) | undefined;
  #room = AHEAD_MAX;
  #isCut = false;
  #wakeWriter: (() => void) | undefined;

  constructor(tell: StreamTeller) {
    this.#tell = tell;
  }

  /** Whether it is over on both ways. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** A message has come. Answers false where the other sends more than it may. */
  put(message: Uint8Array): boolean {
    if (this.#end !== undefined) return true;
    if (this.#came.length >= AHEAD_MAX) return false;
    // Not kept with all that came beside it.
    this.#came.push(message.slice());
    this.#wakeReader?.();
    return true;
  }

  /** Nothing more comes; what has come is read still. */
  end(error?: RpcError): void {
    this.#end ??= { error };
    this.#wakeReader?.();
  }

  /** It is over on both ways; what has come is dropped. */
  cut(error?: RpcError): void {
    this.#isCut = true;
    this.#came = [];
    this.end(error);
    this.#wakeWriter?.();
  }

  /** The other side took so many. */
  grant(count: number): void {
    this.#room = Math.min(AHEAD_MAX, this.#room + count);
    this.#wakeWriter?.();
  }

  /** What comes, as it comes. One reader. Throws what the stream ended with. */
  async *messages(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#came.shift();
      if (message !== undefined) {
        yield message;
        if (!this.#isCut) this.#tell.taken(1);
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
        this.#wakeReader = undefined;
      }
    }
  }

  /** Sends, once there is room. One writer. Answers false where the stream is over. */
  async send(message: Uint8Array): Promise<boolean> {
    while (this.#room === 0 && !this.#isCut) {
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
      this.#wakeWriter = undefined;
    }
    if (this.#isCut) return false;
    this.#room -= 1;
    this.#tell.message(message);
    return true;
  }
}
