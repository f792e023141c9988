/** Where the seat's answers to one trunk are gathered, so that those which are ready together leave together. */
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import { TrunkWriter } from "./trunk-codec.ts";

/** Calls that are worked on or whose answers have not left; the edge waits for the rest. */
const WORKING_MAX = 5_000;
/** What one message may take, below gRPC's 4 MiB; one answer alone may take more. */
const MESSAGE_BYTES_MAX = 1_048_576;

/** The desk. */
export class Desk {
  readonly #signal: AbortSignal;
  readonly #onDefect: (error: unknown, method: string) => RpcError | void;
  #writer = new TrunkWriter();
  /** Messages that are full. */
  #full: Uint8Array[] = [];
  #working = 0;
  /** Of the calls that are worked on, those whose answers wait to leave. */
  #answered = 0;
  #hasEnded = false;
  #isWaking = false;
  #wake: (() => void) | undefined;
  #roomier: (() => void) | undefined;

  constructor(signal: AbortSignal, onDefect: (error: unknown, method: string) => RpcError | void) {
    this.#signal = signal;
    this.#onDefect = onDefect;
    const wake = (): void => {
      this.#wake?.();
      this.#roomier?.();
    };
    signal.addEventListener("abort", wake, { once: true });
  }

  /** A call is taken on. */
  began(): void {
    this.#working += 1;
  }

  /** A call that was taken on went well. */
  answer(id: number, body: Uint8Array): void {
    this.#answered += 1;
    this.#write((writer) => writer.answer({ id, code: 0, body, message: "" }), body.length);
  }

  /** A call that was taken on did not. `method` is for the log. */
  refuse(id: number, error: unknown, method: string): void {
    this.#answered += 1;
    this.end(id, error, method);
  }

  /** How a stream ended: with that error, or well. */
  end(id: number, error: unknown, method: string): void {
    if (error === undefined) {
      this.#write((writer) => writer.answer({ id, code: 0, body: new Uint8Array(), message: "" }), 0);
      return;
    }
    const told = error instanceof RpcError ? error : this.#onDefect(error, method);
    const internal = (): RpcError =>
      new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, "internal error", { cause: error });
    const { code, message, statusBytes } = told ?? internal();
    this.#write((writer) => writer.answer({ id, code, body: statusBytes, message }), statusBytes.length);
  }

  /** A message down a stream. */
  message(id: number, message: Uint8Array): void {
    this.#write((writer) => writer.part({ id, message }), message.length);
  }

  /** So many messages up a stream were taken. */
  taken(id: number, taken: number): void {
    this.#write((writer) => writer.part({ id, taken }), 0);
  }

  /** Nothing more comes. */
  close(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** Waits while too much is worked on. */
  async room(): Promise<void> {
    while (this.#working > WORKING_MAX && !this.#signal.aborted) {
      await new Promise<void>((resolve) => (this.#roomier = resolve));
    }
  }

  /** Messages as they are ready; ends when nothing more comes and all is answered, or with the signal. */
  async *messages(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#full.shift() ?? (this.#writer.bytes > 0 ? this.#finish() : undefined);
      if (message !== undefined) yield message;
      else if (this.#signal.aborted || (this.#hasEnded && this.#working === 0)) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #write(write: (writer: TrunkWriter) => void, bytes: number): void {
    if (this.#writer.bytes > 0 && this.#writer.bytes + bytes > MESSAGE_BYTES_MAX) {
      this.#full.push(this.#writer.finish());
    }
    write(this.#writer);
    if (this.#isWaking) return;
    this.#isWaking = true;
    // When all has run that this turn of the event loop has made ready: a batch that was committed is answered in one message.
    process.nextTick(() => {
      this.#isWaking = false;
      this.#wake?.();
    });
  }

  #finish(): Uint8Array {
    this.#working -= this.#answered;
    this.#answered = 0;
    this.#roomier?.();
    return this.#writer.finish();
  }
}
