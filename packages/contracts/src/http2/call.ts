/**
 * One call on its HTTP/2 stream: who makes it, until when, and how it ends. What kind of method it is, and so what is done
 * with its messages, is its subclass's. Costs count here: a unary call makes nothing that it does not need, and what
 * listens to its stream is shared by all calls.
 */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream, constants } from "node:http2";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import type { Call, CallMetadata } from "../service.ts";
import type { Connection } from "./connection.ts";
import { parseTimeoutMs } from "./deadline.ts";
import { type Frame, FrameReader, type FrameSink, crowded, frameOf, malformed } from "./framing.ts";
import { ACCEPTED_ENCODINGS, GZIP_RATIO_MAX, inflate, isAccepted } from "./inflate.ts";
import { HeaderMetadata } from "./metadata.ts";
import type { ServedMethod } from "./method.ts";
import { OK, trailersOf } from "./trailers.ts";

const CALL = Symbol("call");
type CallStream = ServerHttp2Stream & { [CALL]?: ServerCall | undefined };

/** What begins every answer of gRPC. */
export const HEADERS: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc+proto" };
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false };
const WITHOUT_BODY = { endStream: true, sendDate: false };

/** A call, from its headers to its trailers. */
export abstract class ServerCall implements Call<unknown>, FrameSink {
  readonly stream: ServerHttp2Stream;
  readonly method: ServedMethod;
  readonly connection: Connection;
  readonly frames: FrameReader;
  readonly #headers: IncomingHttpHeaders;
  #principal: unknown;
  #admission: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #trailers: OutgoingHttpHeaders = OK;
  #isOver = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, method: ServedMethod, connection: Connection) {
    this.stream = stream;
    this.method = method;
    this.connection = connection;
    this.frames = new FrameReader(method.receiveBytesMax, connection.budget);
    this.#headers = headers;
    (stream as CallStream)[CALL] = this;
    stream.on("error", ignore);
    stream.on("data", onData);
    stream.on("end", onEnd);
    stream.on("close", onClose);
  }

  /** Looks at the headers and asks the interceptor, before any message is read: who may not call, sends nothing here. */
  begin(): void {
    try {
      const { method, connection } = this;
      this.#expect(this.#headers["grpc-timeout"]);
      if (this.#isOver) return;
      if (!isAccepted(this.#encoding)) throw notAccepted(this.#encoding);
      const who = method.intercept(method.description, this.metadata, connection.peer, connection.certificate);
      if (!(who instanceof Promise)) {
        this.#principal = who;
        return;
      }
      this.#admission = who.then((principal: unknown) => void (this.#principal = principal));
      this.#admission.catch((error: unknown) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Resolves once the interceptor has let the call in; undefined where it has already. */
  get admission(): Promise<void> | undefined {
    return this.#admission;
  }

  get principal(): unknown {
    return this.#principal;
  }

  get metadata(): CallMetadata {
    return new HeaderMetadata(this.#headers);
  }

  get peer(): string {
    return this.connection.peer;
  }

  /**
   * Made when it is asked for, which most unary calls never do. A call that was cancelled says so for ever. That of a stream
   * is aborted as well when the server stops.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#isOver || this.isGone) abort.abort();
    }
    return this.#abort.signal;
  }

  /** Whether the call has been answered for good. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether nobody is there any more to answer to. */
  get isGone(): boolean {
    return isGone(this.stream);
  }

  /** A message has come. */
  abstract onFrame(frame: Frame): void;

  /** The caller sends nothing more. */
  abstract onEnd(): void;

  /** Takes bytes of the caller. */
  take(piece: Buffer): void {
    if (this.#isOver) return;
    try {
      this.frames.push(piece, this);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The caller's half has ended. */
  ended(): void {
    // Node ends what it reads of a stream also where the peer reset it.
    if (this.isGone) this.letGo();
    if (this.#isOver || this.isGone) return;
    if (this.frames.isWithin) this.fail(malformed("the call ended within a message"));
    else this.onEnd();
  }

  /** The stream has ended, whichever way. */
  closed(): void {
    this.letGo();
    this.#abort?.abort();
  }

  /** The server stops: a stream learns it by its signal, and ends with what it has to say. */
  stop(): void {
    this.#abort?.abort();
  }

  /** The message of a frame; of a compressed one, later. Throws or rejects with RpcError. */
  decode({ isCompressed, bytes }: Frame): unknown {
    return isCompressed ? this.#inflate(bytes) : this.#decode(bytes);
  }

  /** An answer in its frame. Throws RpcError where it is longer than may be sent. */
  encode(answer: unknown): Buffer {
    const { encode, sendBytesMax } = this.method;
    const message = encode(answer);
    if (message.length <= sendBytesMax) return frameOf(message);
    const text = `the answer has ${message.length} bytes, and ${sendBytesMax} are sent at most`;
    throw new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.UNSPECIFIED, text);
  }

  /** Sends the head of the answer, unless it has gone out. */
  respond(): void {
    const { stream } = this;
    if (stream.headersSent) return;
    stream.respond(HEADERS, WITH_TRAILERS);
    stream.on("wantTrailers", onWantTrailers);
  }

  /** Ends the call with what the caller is told of an error. */
  fail(error: unknown): void {
    const told = this.method.errorOf(error);
    if (this.#isOver) return;
    this.#end();
    if (this.isGone) return;
    this.#trailers = trailersOf(told);
    const { stream } = this;
    if (stream.headersSent) return void stream.end();
    const more = told.code === status.UNIMPLEMENTED ? { "grpc-accept-encoding": ACCEPTED_ENCODINGS } : {};
    respondAlone(stream, { ...HEADERS, ...this.#trailers, ...more });
  }

  /** Ends a call that went well; `last` is its last frame. */
  finish(last?: Buffer): void {
    if (this.#isOver) return;
    this.#end();
    if (this.isGone) return;
    this.respond();
    if (last === undefined) this.stream.end();
    else this.stream.end(last);
  }

  /** Says how the call ended, as the last of its bytes leave. */
  sendTrailers(): void {
    const { stream } = this;
    stream.sendTrailers(this.#trailers);
    if (!stream.readableEnded) setImmediate(closeEarly, stream);
  }

  /** Gives back what is held of the caller's bytes. May be called more than once. */
  protected letGo(): void {
    this.frames.close();
  }

  #end(): void {
    this.#isOver = true;
    this.letGo();
    if (this.#deadline !== undefined) clearTimeout(this.#deadline);
  }

  get #encoding(): string | undefined {
    const encoding = this.#headers["grpc-encoding"];
    return typeof encoding === "string" ? encoding : undefined;
  }

  #expect(timeout: string | readonly string[] | undefined): void {
    if (timeout === undefined) return;
    const timeoutMs = typeof timeout === "string" ? parseTimeoutMs(timeout) : undefined;
    if (timeoutMs === undefined) throw malformed("grpc-timeout is at most eight digits and one of H, M, S, m, u, n");
    const late = (): void => {
      const text = "the caller's deadline has passed";
      this.fail(new RpcError(status.DEADLINE_EXCEEDED, ErrorReason.UNSPECIFIED, text));
      this.#abort?.abort();
    };
    if (timeoutMs < 1) late();
    else if (timeoutMs !== Number.POSITIVE_INFINITY) this.#deadline = setTimeout(late, timeoutMs).unref();
  }

  async #inflate(bytes: Buffer): Promise<unknown> {
    const { budget } = this.connection;
    const { receiveBytesMax } = this.method;
    const room = Math.min(receiveBytesMax, bytes.length * GZIP_RATIO_MAX);
    if (!budget.take(room)) throw crowded();
    try {
      return this.#decode(await inflate(bytes, this.#encoding, receiveBytesMax));
    } finally {
      budget.give(room);
    }
  }

  #decode(bytes: Uint8Array): unknown {
    try {
      return this.method.decode(bytes);
    } catch (cause) {
      const text = "the request is no message of the method's type";
      throw new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, text, { cause });
    }
  }
}

/** Whether a stream has been reset, or its connection has ended. */
export function isGone(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed;
}

/** Answers with headers and nothing else. */
export function respondAlone(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
  stream.respond(headers, WITHOUT_BODY);
  if (!stream.readableEnded) setImmediate(closeEarly, stream);
}

/** Lets go of a caller that still sends, although its call is over (gRPC over HTTP2, Early Server Closure). */
function closeEarly(stream: ServerHttp2Stream): void {
  if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

/** A stream's error is its caller's end; calls learn of it by `close`. Unheard it would end the process. */
export function ignore(): void {
  // Nothing is left to be done.
}

function onData(this: CallStream, piece: Buffer): void {
  this[CALL]?.take(piece);
}

function onEnd(this: CallStream): void {
  this[CALL]?.ended();
}

function onClose(this: CallStream): void {
  this[CALL]?.closed();
  // Node keeps streams that have ended until the collector's great round; what was said on them goes at once.
  this[CALL] = undefined;
}

function onWantTrailers(this: CallStream): void {
  this[CALL]?.sendTrailers();
}

function notAccepted(encoding: string | undefined): RpcError {
  const text = `messages that are compressed with ${encoding?.slice(0, 20)} are not read here`;
  return new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, text);
}
