/** Hands calls on to the replica that has the seat, over as few gRPC connections to it as there can be. Messages stay bytes. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, type ServiceError, connectivityState } from "@grpc/grpc-js";
import { type Call, type RpcError, bufferOf, secureChannel } from "@moult/contracts";
import { AgentService } from "@moult/contracts/v1";
import { nobodyDecides, passedOn, tooMany } from "./forward-errors.ts";
import type { Caller, Hop } from "./hop.ts";
import { OwnStreams } from "./own-streams.ts";
import { TrunkClient } from "./trunk-client.ts";

/** Far above what any call takes; a replica that hangs is noticed by its lease long before. */
const UNARY_MS = 10_000;
/** Calls of their own without an answer at a time; more are refused. The connection has 100 under way, the rest stand in line. */
const UNARY_MAX = 1_000;
const OPTIONS = {
  "grpc.enable_channelz": 0,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  // Each client has its own connection.
  "grpc.use_local_subchannel_pool": 1,
};

/** A method as it is handed on. */
export interface Route {
  /** As in `/moult.v1.AgentService/Ask`. */
  readonly path: string;
  readonly isDevices: boolean;
}

/** Of a service's method. What devices call is small and comes in numbers: it goes over the trunk. */
export function routeOf(service: DescService, method: DescMethod): Route {
  return {
    path: `/${service.typeName}/${method.name}`,
    isDevices: service === (AgentService as DescService),
  };
}

interface Line {
  readonly address: string;
  readonly client: Client;
  readonly streams: OwnStreams;
  /** The trunk's alone: whatever becomes of other connections, devices' streams are not cut. */
  readonly trunkClient: Client;
  /** Aborted when another has the seat: who still waits for this one waits for nothing. */
  readonly gone: AbortController;
  trunk: TrunkClient | undefined;
  /** Calls of their own that wait. */
  waiting: number;
  /** What was last known of the connection for sure. */
  isUp: boolean;
}

const asItIs = (bytes: Buffer): Buffer => bytes;

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
  unary(route: Route, request: Uint8Array, call: Call<unknown>, caller: Caller): Promise<Uint8Array> {
    const line = this.#connect();
    if (line === undefined) return Promise.reject(nobodyDecides());
    // Asks come by the thousand: nothing is made here for those that go over the trunk.
    const trunk = route.isDevices ? this.#trunkOf(line) : undefined;
    if (trunk !== undefined) return trunk.call(route.path, request, call, caller);
    return this.#alone(line, route, request, call, caller);
  }

  /** A call that goes by itself. */
  async #alone(
    line: Line,
    { path }: Route,
    request: Uint8Array,
    call: Call<unknown>,
    caller: Caller,
  ): Promise<Uint8Array> {
    const { client, gone } = line;
    if (line.waiting >= UNARY_MAX) throw tooMany(`${UNARY_MAX} calls`);
    line.waiting += 1;
    const metadata = this.#hop.write(call.metadata, caller);
    const options = { deadline: Date.now() + UNARY_MS };
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer): void => {
        line.waiting -= 1;
        release();
        if (error === null && answer !== undefined) resolve(answer);
        else reject(refusalOf(error as ServiceError, gone.signal));
      };
      const running = client.makeUnaryRequest<Uint8Array, Buffer>(
        path,
        bufferOf,
        asItIs,
        request,
        metadata,
        options,
        done,
      );
      // Not cancelled where the caller goes: a server ends a connection on which calls are reset by the hundred.
      const release = cancelWith(running, gone.signal);
    });
  }

  /** A call with many answers; `requests` is one message, or many. */
  async *stream(
    route: Route,
    requests: Uint8Array | AsyncIterable<Uint8Array>,
    call: Call<unknown>,
    caller: Caller,
  ): AsyncGenerator<Uint8Array> {
    const line = this.#connected();
    const { path } = route;
    if (route.isDevices && !(requests instanceof Uint8Array)) {
      const trunk = this.#trunkOf(line);
      if (trunk !== undefined) {
        yield* trunk.stream(path, requests, call, caller);
        return;
      }
    }
    const { gone } = line;
    const { signal } = call;
    if (signal.aborted) return;
    const metadata = this.#hop.write(call.metadata, caller);
    const { stream, leave } = line.streams.open((client) =>
      requests instanceof Uint8Array
        ? client.makeServerStreamRequest<Uint8Array, Buffer>(path, bufferOf, asItIs, requests, metadata, {})
        : client.makeBidiStreamRequest<Uint8Array, Buffer>(path, bufferOf, asItIs, metadata, {}),
    );
    const release = cancelWith(stream, gone.signal);
    signal.addEventListener("abort", leave, { once: true });
    if (!(requests instanceof Uint8Array)) {
      void pumpUp(requests, stream as ClientDuplexStream<Uint8Array, Buffer>);
    }
    try {
      yield* stream as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (!signal.aborted) throw refusalOf(error as ServiceError, gone.signal);
    } finally {
      release();
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  /** Forgets the connection where another has the seat now; to be called from time to time. */
  refresh(): void {
    if (this.#line !== undefined && this.#line.address !== this.#addressOf()) this.close();
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
    const line = this.#line;
    this.#line = undefined;
    line?.gone.abort();
    line?.trunk?.close();
    line?.trunkClient.close();
    line?.streams.close();
    line?.client.close();
  }

  #connected(): Line {
    const line = this.#connect();
    if (line === undefined) throw nobodyDecides();
    return line;
  }

  /** The connection to the one that has the seat; undefined where nobody is known to have it. */
  #connect(): Line | undefined {
    const address = this.#addressOf();
    if (this.#line !== undefined && this.#line.address !== address) this.close();
    if (address === undefined) return undefined;
    if (this.#line === undefined) {
      const { credentials, options } = secureChannel(address, this.#caPem);
      const connect = (): Client => new Client(address, credentials, { ...OPTIONS, ...options });
      const fresh = { gone: new AbortController(), trunk: undefined, waiting: 0, isUp: false };
      const streams = new OwnStreams(connect);
      this.#line = { address, client: connect(), trunkClient: connect(), streams, ...fresh };
    }
    return this.#line;
  }

  /** None where the other knows of no trunk. */
  #trunkOf(line: Line): TrunkClient | undefined {
    if (line.trunk?.isUnknown === true) return undefined;
    if (line.trunk?.hasEnded !== false) line.trunk = new TrunkClient(line.trunkClient, this.#hop);
    return line.trunk;
  }
}

/** Writes what comes, waiting where the other is slow. Its failure ends the stream, whose reader learns of it. */
async function pumpUp(
  requests: AsyncIterable<Uint8Array>,
  stream: ClientDuplexStream<Uint8Array, Buffer>,
): Promise<void> {
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
    stream.destroy();
  }
}

function cancelWith(call: { readonly cancel: () => void }, signal: AbortSignal): () => void {
  const cancel = (): void => call.cancel();
  if (signal.aborted) cancel();
  signal.addEventListener("abort", cancel, { once: true });
  return () => signal.removeEventListener("abort", cancel);
}

/** The other's refusal as it was; where the connection failed, that nobody decides. */
function refusalOf(error: ServiceError, gone: AbortSignal): RpcError {
  if (gone.aborted) return nobodyDecides(error);
  return passedOn(error);
}
