/** A typed client over a grpc-js channel: unary calls are promises, streams are what grpc-js gives. */
import {
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
  create,
} from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  Client as GrpcClient,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  Metadata,
} from "@grpc/grpc-js";
import { methodDefinition } from "./definition.ts";

/** How one call is made. */
export interface CallOptions {
  /** The call fails with DEADLINE_EXCEEDED after this. Streams have none unless it is given. */
  readonly timeoutMs?: number;
  /** Sent as `authorization: Bearer`. */
  readonly bearer?: string;
  readonly signal?: AbortSignal;
}

/** A method a name; close the client when it is no longer needed, or its connection stays open. */
export type Client<S extends DescService> = {
  [K in keyof S["method"]]: S["method"][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options: CallOptions & { readonly timeoutMs: number }) => Promise<MessageShape<O>>
    : S["method"][K] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: CallOptions) => ClientReadableStream<MessageShape<O>>
      : S["method"][K] extends DescMethodBiDiStreaming<infer I, infer O>
        ? (options?: CallOptions) => ClientDuplexStream<MessageShape<I>, MessageShape<O>>
        : never;
} & { readonly close: () => void };

const DEFAULTS: ClientOptions = { "grpc.enable_channelz": 0 };

/** A client of `service` at `address` (`host:port`, or `unix:/path`). Several clients of one address share a connection. */
export function createClient<S extends DescService>(
  service: S,
  address: string,
  credentials: ChannelCredentials,
  options: ClientOptions = {},
): Client<S> {
  const channel = new GrpcClient(address, credentials, { ...DEFAULTS, ...options });
  const client: Record<string, unknown> = { close: () => channel.close() };
  for (const method of service.methods) {
    const d = methodDefinition(service, method);
    if (method.methodKind === "unary") {
      client[method.localName] = (request: object, call: CallOptions) =>
        new Promise((resolve, reject) => {
          const message = create(method.input, request as never);
          const options = { deadline: deadline(call) };
          const running = channel.makeUnaryRequest(
            d.path,
            d.requestSerialize,
            d.responseDeserialize,
            message,
            metadata(call),
            options,
            (error, response) => {
              release();
              if (error) reject(error);
              else resolve(response);
            },
          );
          const release = cancelWith(running, call.signal);
        });
    } else if (method.methodKind === "server_streaming") {
      client[method.localName] = (request: object, call: CallOptions = {}) => {
        const message = create(method.input, request as never);
        const options = { deadline: deadline(call) };
        const stream = channel.makeServerStreamRequest(
          d.path,
          d.requestSerialize,
          d.responseDeserialize,
          message,
          metadata(call),
          options,
        );
        const release = cancelWith(stream, call.signal);
        stream.once("status", release);
        return stream;
      };
    } else {
      client[method.localName] = (call: CallOptions = {}) => {
        const options = { deadline: deadline(call) };
        const stream = channel.makeBidiStreamRequest(
          d.path,
          d.requestSerialize,
          d.responseDeserialize,
          metadata(call),
          options,
        );
        const release = cancelWith(stream, call.signal);
        stream.once("status", release);
        return stream;
      };
    }
  }
  return client as Client<S>;
}

/** Cancels the call when the signal aborts, or at once; returns how to stop listening, so that a long-lived signal keeps no call. */
function cancelWith(call: { readonly cancel: () => void }, signal: AbortSignal | undefined): () => void {
  const cancel = (): void => call.cancel();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return () => signal?.removeEventListener("abort", cancel);
}

/** grpc-js counts deadlines on the wall clock; a jump of it can end a call early or late, never lose it. */
function deadline(call: CallOptions): number {
  return call.timeoutMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + call.timeoutMs;
}

function metadata(call: CallOptions): Metadata {
  const metadata = new Metadata();
  if (call.bearer !== undefined) metadata.set("authorization", `Bearer ${call.bearer}`);
  return metadata;
}
