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

type Result = IteratorResult<unknown>;

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
    if (this.admission === undefined) void answerStream(this, this.#requests);
    else this.admission.then(() => answerStream(this, this.#requests)).catch(() => this.#requests.fail());
  }

  override closed(): void {
    super.closed();
    this.#requests.fail();
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

/**
 * Requests that wait for the handler. One reader at a time. Most streams are still for most of their lives and are many, so
 * one that waits is no more than a promise.
 */
class Requests implements AsyncIterableIterator<unknown> {
  readonly #stream: ServerHttp2Stream;
  /** Undefined where none has waited yet: a reader that is there takes its request from hand to hand. */
  #waiting: unknown[] | undefined;
  #bytes = 0;
  #isEnded = false;
  #isLeft = false;
  #isFailed = false;
  #reader: ((result: Result | Promise<Result>) => void) | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  put(request: unknown, bytes: number): void {
    if (this.#isLeft) return;
    this.#bytes += bytes;
    const reader = this.#reader;
    if (reader === undefined) (this.#waiting ??= []).push(request);
    if ((this.#waiting?.length ?? 0) >= AHEAD_MAX || this.#bytes >= AHEAD_BYTES_MAX) this.#stream.pause();
    this.#reader = undefined;
    reader?.(resultOf(request));
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The caller has gone; its last requests are not read. */
  fail(): void {
    if (this.#isEnded) return;
    this.#isFailed = true;
    this.#waiting = undefined;
    this.#wake();
  }

  next(): Promise<Result> {
    if (this.#waiting !== undefined && this.#waiting.length > 0) {
      return Promise.resolve(resultOf(this.#waiting.shift()));
    }
    if (this.#isFailed) return Promise.reject(cancelled());
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    this.#bytes = 0;
    if (this.#stream.isPaused()) this.#stream.resume();
    return new Promise((resolve) => (this.#reader = resolve));
  }

  /** The handler reads no further: what still comes is dropped, so that the end of the call is seen. */
  return(): Promise<Result> {
    this.#isLeft = this.#isEnded = true;
    this.#waiting = undefined;
    if (this.#stream.isPaused()) this.#stream.resume();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #wake(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(this.next());
  }
}

function resultOf(request: unknown): Result | Promise<Result> {
  return request instanceof Packed ? unpacked(request) : { done: false, value: request };
}

async function unpacked(request: Packed): Promise<Result> {
  return { done: false, value: await request.unpack() };
}

function cancelled(): RpcError {
  return new RpcError(status.CANCELLED, ErrorReason.UNSPECIFIED, "the caller has cancelled the call");
}
