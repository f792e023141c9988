/** Hands calls on to the replica that has the seat, over one gRPC connection to it. */
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, type ServiceError, connectivityState } from "@grpc/grpc-js";
import { type Call, type RpcError, methodDefinition, secureChannel } from "@moult/contracts";
import { AgentService } from "@moult/contracts/v1";
import { detailsOf, nobodyDecides, passedOn } from "./forward-errors.ts";
import type { Caller, Hop } from "./hop.ts";
import { TrunkClient } from "./trunk-client.ts";

/** Far above what any call takes; a replica that hangs is noticed by its lease long before. */
const UNARY_MS = 10_000;
const OPTIONS = {
  "grpc.enable_channelz": 0,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
};

/** A method of a service. */
export interface Route {
  readonly service: DescService;
  readonly method: DescMethod;
}

interface Line {
  readonly address: string;
  readonly client: Client;
  /** Aborted when another has the seat: who still waits for this one waits for nothing. */
  readonly gone: AbortController;
  trunk: TrunkClient | undefined;
  /** What was last known of the connection for sure. */
  isUp: boolean;
}

/** Hands on. */
export class Forwarder {
  readonly #addressOf: () => string | undefined;
  readonly #caPem: string;
  readonly #hop: Hop;
  #line: Line | undefined;

  /** `addressOf` says who has the seat, if another does. */
  constructor(addressOf: () => string | undefined, caPem: string, hop: Hop) {
    this.#addressOf = addressOf;
    this.#caPem = caPem;
    this.#hop = hop;
  }

  /** A call with one answer. Rejects with an RpcError: the other's, or `nobodyDecides`. */
  async unary(route: Route, request: Message, call: Call<unknown>, caller: Caller): Promise<unknown> {
    const line = this.#connected();
    const { client, gone } = line;
    const { path, requestSerialize, responseDeserialize } = definitionOf(route);
    // What devices call is small and comes in numbers.
    if (route.service === (AgentService as DescService)) {
      if (line.trunk?.hasEnded !== false) line.trunk = new TrunkClient(client, this.#hop);
      return line.trunk.call(path, route.method, request, call, caller);
    }
    const metadata = this.#hop.write(call.metadata, caller);
    const options = { deadline: Date.now() + UNARY_MS };
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: unknown): void => {
        release();
        if (error === null) resolve(answer);
        else reject(refusalOf(error, gone.signal));
      };
      const running = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        done,
      );
      const release = cancelWith(running, [call.signal, gone.signal]);
    });
  }

  /** A call with many answers; `requests` is one message, or many. */
  async *stream(route: Route, requests: unknown, call: Call<unknown>, caller: Caller): AsyncGenerator {
    const { client, gone } = this.#connected();
    const { path, requestStream, requestSerialize, responseDeserialize } = definitionOf(route);
    const metadata = this.#hop.write(call.metadata, caller);
    const stream = requestStream
      ? client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {})
      : client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, requests as Message, metadata, {});
    const release = cancelWith(stream, [call.signal, gone.signal]);
    if (requestStream) void pumpUp(requests as AsyncIterable<Message>, stream as ClientDuplexStream<Message, Message>);
    try {
      yield* stream as AsyncIterable<unknown>;
    } catch (error) {
      throw refusalOf(error as ServiceError, gone.signal);
    } finally {
      release();
      stream.cancel();
    }
  }

  /** Forgets the connection where another has the seat now; to be called from time to time. */
  refresh(): void {
    const line = this.#line;
    if (line === undefined || line.address === this.#addressOf()) return;
    this.#line = undefined;
    line.gone.abort();
    line.trunk?.close();
    line.client.close();
  }

  /**
   * Whether the one that has the seat can be reached, as far as is known; makes the connection where there is none. To be
   * called from time to time.
   */
  reaches(): boolean {
    if (this.#addressOf() === undefined) return false;
    const line = this.#connected();
    const state = line.client.getChannel().getConnectivityState(true);
    // One that is on its way again is as it was: it would otherwise seem to come and go.
    if (state === connectivityState.READY) line.isUp = true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) line.isUp = false;
    return line.isUp;
  }

  close(): void {
    this.#line?.gone.abort();
    this.#line?.trunk?.close();
    this.#line?.client.close();
    this.#line = undefined;
  }

  #connected(): Line {
    this.refresh();
    const address = this.#addressOf();
    if (address === undefined) throw nobodyDecides();
    if (this.#line === undefined) {
      const { credentials, options } = secureChannel(address, this.#caPem);
      const client = new Client(address, credentials, { ...OPTIONS, ...options });
      this.#line = { address, client, gone: new AbortController(), trunk: undefined, isUp: false };
    }
    return this.#line;
  }
}

type Definition = ReturnType<typeof methodDefinition>;
const DEFINITIONS = new WeakMap<DescMethod, Definition>();

function definitionOf({ service, method }: Route): Definition {
  const known = DEFINITIONS.get(method);
  if (known !== undefined) return known;
  const made = methodDefinition(service, method);
  DEFINITIONS.set(method, made);
  return made;
}

/** Writes what comes, waiting where the other is slow. Its failure ends the stream, whose reader learns of it. */
async function pumpUp(requests: AsyncIterable<Message>, stream: ClientDuplexStream<Message, Message>): Promise<void> {
  try {
    for await (const request of requests) {
      if (stream.destroyed) return;
      if (stream.write(request)) continue;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          for (const name of ["drain", "close", "error"]) stream.off(name, done);
          resolve();
        };
        for (const name of ["drain", "close", "error"]) stream.on(name, done);
      });
    }
    stream.end();
  } catch {
    // The caller broke off: so does its stream here, and the reader of it says so.
    stream.cancel();
  }
}

function cancelWith(call: { readonly cancel: () => void }, signals: readonly AbortSignal[]): () => void {
  const cancel = (): void => call.cancel();
  for (const signal of signals) {
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel, { once: true });
  }
  return () => {
    for (const signal of signals) signal.removeEventListener("abort", cancel);
  };
}

/** The other's refusal as it was; where the connection failed, that nobody decides. */
function refusalOf(error: ServiceError, gone: AbortSignal): RpcError {
  if (gone.aborted) return nobodyDecides(error);
  return passedOn(error.code, error.details, detailsOf(error.metadata), error);
}
