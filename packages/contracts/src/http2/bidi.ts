/** Calls that stream in both directions: requests are read ahead of the handler, but not far. */
import { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { answerStream } from "./answer-stream.ts";
import { ServerCall } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { Frame } from "./framing.ts";
import type { ServedMethod } from "./method.ts";

/** Read ahead and no further, in messages and in bytes: what a connection brings at once, so that few are waited for. */
const AHEAD_MAX = 64;
const AHEAD_BYTES_MAX = 65_536;

/** Many requests, many answers. */
export class BidiCall extends ServerCall {
  readonly #requests: Requests;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method: ServedMethod, connection: Connection) {
    super(stream, headers, method, connection);
    this.#requests = new Requests(stream);
  }

  override begin(): void {
    super.begin();
    if (this.isOver) return;
    this.stream.once("close", () => this.#requests.fail(cancelled()));
    if (this.admission === undefined) void answerStream(this, this.#requests);
    else this.admission.then(() => answerStream(this, this.#requests)).catch(() => this.#requests.fail(cancelled()));
  }

  override onFrame(frame: Frame): void {
    // What is compressed is unpacked when it is read: one message at a time, whatever it makes.
    const request = frame.isCompressed ? new Packed(() => this.decode(frame)) : this.decode(frame);
    this.#requests.put(request, frame.bytes.length);
  }

  override onEnd(): void {
    this.#requests.end();
  }
}

/** A request that is still compressed. */
class Packed {
  readonly unpack: () => unknown;

  constructor(unpack: () => unknown) {
    this.unpack = unpack;
  }
}

/** Requests that wait for the handler. One reader at a time. */
class Requests implements AsyncIterableIterator<unknown> {
  readonly #stream: ServerHttp2Stream;
  #waiting: unknown[] = [];
  #bytes = 0;
  #isEnded = false;
  #isLeft = false;
  #failure: RpcError | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  put(request: unknown, bytes: number): void {
    if (this.#isLeft) return;
    this.#waiting.push(request);
    this.#bytes += bytes;
    if (this.#waiting.length >= AHEAD_MAX || this.#bytes >= AHEAD_BYTES_MAX) this.#stream.pause();
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  /** The caller has gone; its last requests are not read. */
  fail(failure: RpcError): void {
    if (this.#isEnded) return;
    this.#failure = failure;
    this.#waiting = [];
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<unknown>> {
    while (this.#waiting.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#isEnded) return { done: true, value: undefined };
      this.#bytes = 0;
      if (this.#stream.isPaused()) this.#stream.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const request = this.#waiting.shift();
    return { done: false, value: request instanceof Packed ? await request.unpack() : request };
  }

  /** The handler reads no further: what still comes is dropped, so that the end of the call is seen. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#isLeft = this.#isEnded = true;
    this.#waiting = [];
    if (this.#stream.isPaused()) this.#stream.resume();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function cancelled(): RpcError {
  return new RpcError(status.CANCELLED, ErrorReason.UNSPECIFIED, "the caller has cancelled the call");
}
