/**
 * Handlers that take and give the bytes of messages as they go over the wire, for a server that hands calls on: what it does
 * not read costs nothing, and fields that it does not know go through. Every server of Moult binds such a service like any
 * other; `servedAs` is the one place where the two kinds differ.
 */
import { type DescMethod, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../gen/moult/v1/errors_pb.js";
import { RpcError } from "./errors.ts";
import type { Call, Handler, Implementation } from "./service.ts";

/** What every method of a service is handled by. */
export interface WireHandlers<P> {
  /** A call with one request and one answer. */
  readonly unary: (method: DescMethod, request: Uint8Array, call: Call<P>) => Promise<Uint8Array>;
  /** A call with many answers; one request where the method takes one, else as they come. */
  readonly stream: (
    method: DescMethod,
    requests: Uint8Array | AsyncIterable<Uint8Array>,
    call: Call<P>,
  ) => AsyncIterable<Uint8Array>;
}

/** A service by the bytes of its messages. */
export class WireImplementation<P> {
  readonly handlers: WireHandlers<P>;

  constructor(handlers: WireHandlers<P>) {
    this.handlers = handlers;
  }
}

/** What a server can bind: a service by its messages, or by their bytes. */
export type Served<S extends DescService, P> = Implementation<S, P> | WireImplementation<P>;

/** One method between the wire and its handler. */
export interface WireMethod {
  /** What `run` is given for a request's bytes. Throws where they are no message of the method's. */
  readonly decode: (bytes: Uint8Array) => unknown;
  /** The bytes of what `run` answered or yielded. */
  readonly encode: (message: unknown) => Uint8Array;
  readonly run: Handler;
}

/** A method of `implementation`. Throws where it lacks the method. */
export function servedAs<S extends DescService, P>(
  service: S,
  method: DescMethod,
  implementation: Served<S, P>,
): WireMethod {
  if (implementation instanceof WireImplementation) {
    const { unary, stream } = implementation.handlers;
    const handle = (method.methodKind === "unary" ? unary : stream) as (
      method: DescMethod,
      request: unknown,
      call: Call<unknown>,
    ) => unknown;
    return {
      decode: (bytes) => bytes,
      encode: (bytes) => bytes as Uint8Array,
      run: (request, call) => handle(method, request, call),
    };
  }
  const handle = (implementation as Record<string, Handler>)[method.localName];
  if (handle === undefined) throw new Error(`no handler for ${service.typeName}/${method.name}`);
  return {
    // Unknown fields are dropped: whoever reads a message does not write it again.
    decode: (bytes) => fromBinary(method.input, bytes, { readUnknownFields: false }),
    encode: (message) => toBinary(method.output, message as never),
    run: handle.bind(implementation),
  };
}

/** The request of those bytes, for who reads them after the server did not. Throws RpcError, as the server would. */
export function readRequest({ decode }: Pick<WireMethod, "decode">, bytes: Uint8Array): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    const text = "the request is no message of the method's type";
    throw new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, text, { cause });
  }
}
