/**
 * What a service is to whoever serves it: one async function a method, behind one interceptor. Every server of Moult takes
 * services in this form; nothing here knows how bytes come and go.
 */
import type { EventEmitter } from "node:events";
import type { DescMethod, DescMethodStreaming, DescMethodUnary, DescService, MessageShape } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../gen/moult/v1/errors_pb.js";
import { RpcError } from "./errors.ts";

/** What a caller sent beside its messages, read by lower-case name; undefined where it did not send it, or sent bytes. */
export interface CallMetadata {
  readonly get: (name: string) => string | undefined;
}

/** What a handler learns of its caller. `principal` is whatever the interceptor returned. */
export interface Call<P> {
  readonly principal: P;
  readonly metadata: CallMetadata;
  /** The peer's address, for logs. */
  readonly peer: string;
  /** Aborted when the caller cancels, its deadline passes, the connection ends or the server stops. */
  readonly signal: AbortSignal;
}

/**
 * Runs before each handler; returns who calls, or throws an RpcError to refuse the call. `certificate` is the client's, in
 * DER, of which the connection proved the key and whoever accepted the connection said that it is good; undefined where
 * there is none.
 */
export type Interceptor<P> = (
  method: DescMethod,
  metadata: CallMetadata,
  peer: string,
  certificate?: Uint8Array,
) => P | Promise<P>;

/** One async function a method. Streams are async iterables in both directions. */
export type Implementation<S extends DescService, P> = {
  [K in keyof S["method"]]: S["method"][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: Call<P>) => Promise<MessageShape<O>>
    : S["method"][K] extends DescMethodStreaming<infer I, infer O>
      ? S["method"][K]["methodKind"] extends "server_streaming"
        ? (request: MessageShape<I>, call: Call<P>) => AsyncIterable<MessageShape<O>>
        : (requests: AsyncIterable<MessageShape<I>>, call: Call<P>) => AsyncIterable<MessageShape<O>>
      : never;
};

/** Requests that can be given one by one to whoever takes them. */
export interface GivesEach<T> {
  /**
   * Gives each to `take`, one after another, from the first that was not read yet. Resolves when all were taken; rejects with what
   * `take` throws, and then reads no further, or with what the stream ended with.
   */
  readonly each: (take: (request: T) => Promise<void> | void) => Promise<void>;
}

/**
 * Gives each of a stream's requests to `take`, as `GivesEach` says. Where the server can do that itself nothing of a request is
 * held while the next is waited for, as a loop does: between two words of a device may lie minutes.
 */
export async function takeEach<T>(
  requests: AsyncIterable<T>,
  take: (request: T) => Promise<void> | void,
): Promise<void> {
  if ("each" in requests) return (requests as AsyncIterable<T> & GivesEach<T>).each(take);
  for await (const request of requests) await take(request);
}

/** A method's function as servers call it: the types of its messages were checked where it was bound. */
export type Handler = (request: unknown, call: Call<unknown>) => unknown;

/** Given an error that is no RpcError, as `package.Service/Method`; says what the caller is told of it, or nothing. */
export type OnDefect = (error: unknown, method: string) => RpcError | void;

/** What becomes of calls beside their handlers. */
export interface BindOptions {
  /** Once aborted, streams end with UNAVAILABLE and STOPPING; without it they last until the caller ends them. */
  readonly stopping?: AbortSignal;
}

/** What the caller is told of an error: an RpcError as it is, another as `onDefect` says, or else without its text. */
export function toRpcError(error: unknown, onDefect: OnDefect, method: string): RpcError {
  if (error instanceof RpcError) return error;
  const told = onDefect(error, method);
  return told ?? new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, "internal error", { cause: error });
}

/** What the caller of a stream is told when the server stops. */
export function stopped(): RpcError {
  return new RpcError(status.UNAVAILABLE, ErrorReason.STOPPING, "the server is stopping; call again in a moment");
}

/** The signal of a stream: of its call, and of the server's end where that is known. */
export function streamSignal(own: AbortSignal, { stopping }: BindOptions): AbortSignal {
  return stopping === undefined ? own : AbortSignal.any([own, stopping]);
}

/**
 * Writes what a handler yields, waiting for `drain` of `stream` where `write` says that the peer is slow; stops when the
 * call ends.
 */
export async function pump(
  source: AsyncIterable<unknown>,
  stream: EventEmitter,
  write: (message: unknown) => boolean,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of source) {
    if (signal.aborted) return;
    if (!write(message)) await drained(stream, signal);
  }
}

function drained(stream: EventEmitter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    stream.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
