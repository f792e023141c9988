/**
 * Requests of one stream, on their way to the handler: read ahead of it, but not far. Most streams are still for most of their
 * lives and are many, so one that waits is no more than a promise. Knows nothing of what requests say.
 */
import type { ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import type { GivesEach } from "../service.ts";

/** Read ahead and no further, in messages and in bytes: what a connection brings at once, so that few are waited for. */
const AHEAD_MAX = 64;
const AHEAD_BYTES_MAX = 65_536;

type Result = IteratorResult<unknown>;

/** A request that is still compressed. */
export class Packed {
  readonly unpack: () => unknown;

  constructor(unpack: () => unknown) {
    this.unpack = unpack;
  }
}

/** To whom each is given, instead of being asked for. */
interface Taker {
  readonly take: (request: unknown) => Promise<void> | void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** The requests. One reader at a time, or one taker. */
export class Requests implements AsyncIterableIterator<unknown>, GivesEach<unknown> {
  readonly #stream: ServerHttp2Stream;
  /** Undefined where none has waited yet: a reader that is there takes its request from hand to hand. */
  #waiting: unknown[] | undefined;
  #bytes = 0;
  #isEnded = false;
  #isLeft = false;
  #isFailed = false;
  #reader: ((result: Result | Promise<Result>) => void) | undefined;
  #taker: Taker | undefined;
  /** The taker is not done with the last. */
  #isTaking = false;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  put(request: unknown, bytes: number): void {
    if (this.#isLeft) return;
    if (this.#taker !== undefined && !this.#isTaking) return this.#give(this.#taker, request);
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
    this.#readOn();
    return new Promise((resolve) => (this.#reader = resolve));
  }

  each(take: (request: unknown) => Promise<void> | void): Promise<void> {
    return new Promise((done, failed) => {
      this.#taker = { take, done, failed };
      this.#wake();
    });
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
    if (this.#taker !== undefined) this.#giveWaiting(this.#taker);
  }

  #giveWaiting(taker: Taker): void {
    while (!this.#isTaking && this.#waiting !== undefined && this.#waiting.length > 0) {
      this.#give(taker, this.#waiting.shift());
    }
    if (this.#isTaking) return;
    if (this.#isFailed) taker.failed(cancelled());
    else if (this.#isEnded) taker.done();
    else this.#readOn();
  }

  #give(taker: Taker, request: unknown): void {
    const failed = (error: unknown): void => {
      void this.return();
      taker.failed(error);
    };
    try {
      const taking =
        request instanceof Packed
          ? unpacked(request).then((result) => taker.take(result.value as unknown))
          : taker.take(request);
      if (!(taking instanceof Promise)) return;
      this.#isTaking = true;
      taking.then(() => this.#taken(taker)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #taken(taker: Taker): void {
    this.#isTaking = false;
    this.#giveWaiting(taker);
  }

  #readOn(): void {
    this.#bytes = 0;
    if (this.#stream.isPaused()) this.#stream.resume();
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
