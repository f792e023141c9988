/**
 * What a service is to whoever serves it: one async function a method, behind one interceptor. Every server of Moult takes
 * services in this form; nothing here knows how bytes come and go.
 */
import type { DescMethod, DescMethodStreaming, DescMethodUnary, DescService, MessageShape } from "@bufbuild/protobuf";
import type { Metadata } from "@grpc/grpc-js";

/** What a handler learns of its caller. `principal` is whatever the interceptor returned. */
export interface Call<P> {
  readonly principal: P;
  readonly metadata: Metadata;
  /** The peer's address, for logs. */
  readonly peer: string;
  /** Aborted when the caller cancels, the connection ends or the server stops. */
  readonly signal: AbortSignal;
}

/**
 * Runs before each handler; returns who calls, or throws an RpcError to refuse the call. `certificate` is the client's, in
 * DER, of which the connection proved the key and whoever accepted the connection said that it is good; undefined where
 * there is none.
 */
export type Interceptor<P> = (
  method: DescMethod,
  metadata: Metadata,
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

/** What becomes of calls beside their handlers. */
export interface BindOptions {
  /** Once aborted, streams end with UNAVAILABLE and STOPPING; without it they last until the caller ends them. */
  readonly stopping?: AbortSignal;
}
