/**
 * Serves a protobuf-es service on a grpc-js server. Handlers are plain async functions; every one of them runs behind
 * one interceptor, which is where a server checks who calls.
 */
import type { EventEmitter } from "node:events";
import type { DescService, MessageShape } from "@bufbuild/protobuf";
import type {
  Metadata,
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
  sendUnaryData,
} from "@grpc/grpc-js";
import { bufferOf, methodDefinition } from "./definition.ts";
import {
  type BindOptions,
  type Call,
  type CallMetadata,
  type Interceptor,
  type OnDefect,
  pump,
  stopped,
  streamSignal,
  toRpcError,
} from "./service.ts";
import { type Served, servedAs } from "./wire.ts";

type AnyStream = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type AnyCall = ServerUnaryCall<unknown, unknown> | AnyStream;

/**
 * Adds `service` to `server`. A handler's RpcError reaches the caller as it is; any other error is given to `onDefect`,
 * and reaches the caller as the RpcError that it returns, or else as INTERNAL without its text.
 */
export function bindService<S extends DescService, P>(
  server: Server,
  service: S,
  implementation: Served<S, P>,
  intercept: Interceptor<P>,
  onDefect: OnDefect,
  options: BindOptions = {},
): void {
  const definition: Record<string, ReturnType<typeof methodDefinition>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const method of service.methods) {
    const { run, decode, encode } = servedAs(service, method, implementation);
    definition[method.localName] = {
      ...methodDefinition(service, method),
      requestDeserialize: decode as (bytes: Buffer) => MessageShape<typeof method.input>,
      responseSerialize: (message) => bufferOf(encode(message)),
    };
    const fail = (error: unknown): Error => toRpcError(error, onDefect, `${service.typeName}/${method.name}`);
    const enter = (call: AnyCall): Entering<P> | Promise<Entering<P>> => {
      const entering = new Entering<P>(call);
      const certificate = call.getAuthContext().sslPeerCertificate?.raw;
      const principal = intercept(method, entering.metadata, entering.peer, certificate);
      return principal instanceof Promise ? principal.then((who) => entering.as(who)) : entering.as(principal);
    };
    if (method.methodKind === "unary") {
      handlers[method.localName] = (call: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => {
        Promise.try(async () => {
          const entered = enter(call);
          return run(call.request, entered instanceof Promise ? await entered : entered);
        }).then(
          (response) => reply(null, response),
          (error: unknown) => reply(fail(error)),
        );
      };
    } else {
      const bidi = method.methodKind !== "server_streaming";
      handlers[method.localName] = (stream: AnyStream) => {
        Promise.try(async () => {
          const entered = await enter(stream);
          if (entered.signal.aborted) return;
          const { principal, metadata, peer } = entered;
          const signal = streamSignal(entered.signal, options);
          const input = bidi
            ? requestsOf(stream as ServerDuplexStream<unknown, unknown>)
            : (stream as ServerWritableStream<unknown, unknown>).request;
          const answers = run(input, { principal, metadata, peer, signal }) as AsyncIterable<unknown>;
          await pump(answers, stream, (message) => stream.write(message), signal);
          if (options.stopping?.aborted === true && !entered.signal.aborted) throw stopped();
          stream.end();
        }).catch((error: unknown) => stream.emit("error", fail(error)));
      };
    }
  }
  server.addService(definition, handlers);
}

/**
 * A call and who makes it. The signal is made when it is asked for, which most unary calls never do: it costs as much as
 * decoding an ask. A cancelled call says so for ever, so that nothing is missed.
 */
class Entering<P> implements Call<P> {
  readonly metadata: CallMetadata;
  readonly peer: string;
  readonly #call: AnyCall;
  #principal: { readonly is: P } | undefined;
  #abort: AbortController | undefined;

  constructor(call: AnyCall) {
    this.#call = call;
    this.metadata = new SentMetadata(call.metadata);
    this.peer = call.getPeer();
  }

  as(principal: P): this {
    this.#principal = { is: principal };
    return this;
  }

  get principal(): P {
    if (this.#principal === undefined) throw new Error("the call has not been admitted yet");
    return this.#principal.is;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#call.cancelled) abort.abort();
      else (this.#call as EventEmitter).on("cancelled", () => abort.abort());
    }
    return this.#abort.signal;
  }
}

/** Requests as they come. Iterating a duplex would destroy it at the end, and with it the way for the call's status. */
function requestsOf(stream: ServerDuplexStream<unknown, unknown>): AsyncIterable<unknown> {
  return stream.iterator({ destroyOnReturn: false });
}

/** grpc-js knows several values of a name, and bytes; what is read of them is the first text. */
class SentMetadata implements CallMetadata {
  readonly #metadata: Metadata;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
  }

  get(name: string): string | undefined {
    const [value] = this.#metadata.get(name);
    return typeof value === "string" ? value : undefined;
  }
}
