/**
 * A gRPC server on Node's own HTTP/2, for ports that anybody may reach and on which calls must cost little. It serves what
 * `bindService` serves, in the same words. It does not listen: whoever does hands it connections, and has counted them.
 */
import {
  type Http2SecureServer,
  type Http2Server as PlainServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  createSecureServer,
  createServer,
} from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import type { DescService } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import type { BindOptions, Interceptor, OnDefect } from "../service.ts";
import type { Served } from "../wire.ts";
import { BidiCall } from "./bidi.ts";
import { Budget } from "./budget.ts";
import { HEADERS, ignore, isGone, respondAlone } from "./call.ts";
import { Connection } from "./connection.ts";
import { isGrpc } from "./metadata.ts";
import { type MethodLimits, type ServedMethod, servedMethods } from "./method.ts";
import { ServerStreamingCall, UnaryCall } from "./one-request.ts";
import { trailersOf } from "./trailers.ts";
import { type Waits, createWaits } from "./waits.ts";

/** gRPC's usual limit for a message, in bytes. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/**
 * Messages that are not whole, or whose calls have not ended: of one connection, and of all. Two of the longest; and what a
 * small machine can spare.
 */
const PARTIAL_BYTES_MAX = 8 * 1024 * 1024;
const OVERALL_PARTIAL_BYTES_MAX = 64 * 1024 * 1024;
/** What Node holds for a connection, foremost answers that are not read; beyond it no call begins. In units of 10^6 bytes. */
const SESSION_MEMORY_MB = 16;
/** Below the 30 s after which home routers forget a connection. */
const KEEPALIVE_MS = 25_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** From a call's headers to the end of its request: 1 MiB over a line of 140 kbit/s. */
const REQUEST_MS_MAX = 60_000;
/** The end of a request follows its message at once; but the two may come in packets of their own. */
const CROWDING_MS_MAX = 250;
/** Two round trips of TLS; who takes longer only holds a place. */
const HANDSHAKE_MS = 15_000;
/** On one connection. */
const STREAMS_MAX = 100;
/** All names and values of a request and 32 bytes for each; a bearer token has 2 KiB at most. */
const HEADER_BYTES_MAX = 16_384;
const HEADERS_MAX = 64;
/** Calls that a peer resets: so many at once, and so many a second. Beyond it the connection is ended (CVE-2023-44487). */
const RESET_BURST = 200;
const RESETS_PER_S = 33;
/** A path is repeated to whoever asked for it, so many characters of it. */
const PATH_SHOWN_MAX = 200;

/** A key and its certificate chain, in PEM. */
export interface ServerTls {
  readonly key: string | Buffer;
  readonly certificate: string | Buffer;
}

/** What a server may have otherwise than usual. */
export interface Http2ServerOptions {
  /** Without it connections are taken as they are: whoever hands them over has ended their TLS, or they are the machine's own. */
  readonly tls?: ServerTls;
  /** Longer messages are refused before they are read, in bytes; 4 MiB by default. */
  readonly receiveBytesMax?: number;
  /** Longer answers are not sent, in bytes; 4 MiB by default. */
  readonly sendBytesMax?: number;
  /** What holds for single methods instead, by their paths, as in `/moult.v1.AgentService/Ask`. */
  readonly methods?: Readonly<Record<string, MethodLimits>>;
  /** Calls that a connection may have under way; 100 by default. */
  readonly streamsMax?: number;
  /**
   * Messages that have begun and are not whole, and requests whose calls have not ended, of one connection and of all, in
   * bytes; 8 MiB and 64 MiB by default.
   */
  readonly partialBytesMax?: number;
  readonly partialBytesMaxOverall?: number;
  /** A ping goes out after so long; 25,000 ms by default. */
  readonly keepaliveMs?: number;
  /** And is answered within this, or the connection is ended; 10,000 ms by default. */
  readonly keepaliveTimeoutMs?: number;
  /** The one request of a call has ended so long after its headers, or DEADLINE_EXCEEDED is answered; 60,000 ms by default. */
  readonly requestMs?: number;
  /** The same for a request that came when its room was taken, or RESOURCE_EXHAUSTED is answered; 250 ms by default. */
  readonly crowdingMs?: number;
  /** A TLS handshake is over after so long, or the connection is ended; 15,000 ms by default. */
  readonly handshakeMs?: number;
}

/** A server of gRPC. */
export class Http2Server {
  readonly #server: Http2SecureServer | PlainServer;
  readonly #options: Http2ServerOptions;
  readonly #methods = new Map<string, ServedMethod>();
  readonly #connections = new Map<ServerHttp2Session, Connection>();
  readonly #partial: Budget;
  readonly #waits: Waits;

  constructor(options: Http2ServerOptions = {}) {
    this.#options = options;
    this.#partial = new Budget(options.partialBytesMaxOverall ?? OVERALL_PARTIAL_BYTES_MAX);
    this.#waits = createWaits({
      keepaliveMs: options.keepaliveMs ?? KEEPALIVE_MS,
      keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? KEEPALIVE_TIMEOUT_MS,
      requestMs: options.requestMs ?? REQUEST_MS_MAX,
      crowdingMs: options.crowdingMs ?? CROWDING_MS_MAX,
    });
    const limits: SecureServerOptions = {
      maxSessionMemory: SESSION_MEMORY_MB,
      maxHeaderListPairs: HEADERS_MAX,
      streamResetBurst: RESET_BURST,
      streamResetRate: RESETS_PER_S,
      settings: {
        enablePush: false,
        maxConcurrentStreams: options.streamsMax ?? STREAMS_MAX,
        maxHeaderListSize: HEADER_BYTES_MAX,
      },
    };
    const { tls } = options;
    this.#server = tls === undefined ? createServer(limits) : secured(limits, tls, options.handshakeMs ?? HANDSHAKE_MS);
    this.#server.on("session", (session) => this.#begin(session));
  }

  /**
   * Adds a service. A handler's RpcError reaches the caller as it is; any other error is given to `onDefect`, and reaches the
   * caller as the RpcError that it returns, or else as INTERNAL without its text. Throws where the implementation lacks a
   * method.
   */
  bind<S extends DescService, P>(
    service: S,
    implementation: Served<S, P>,
    intercept: Interceptor<P>,
    onDefect: OnDefect,
    options: BindOptions = {},
  ): void {
    const { receiveBytesMax = MESSAGE_BYTES_MAX, sendBytesMax = MESSAGE_BYTES_MAX, methods = {} } = this.#options;
    const limitsOf = (path: string): MethodLimits & { receiveBytesMax: number; sendBytesMax: number } => {
      return { receiveBytesMax, sendBytesMax, ...methods[path] };
    };
    for (const method of servedMethods(service, implementation, intercept, onDefect, options, limitsOf)) {
      this.#methods.set(method.path, method);
    }
  }

  /** How many connections stand; those in their handshake are not counted. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Takes over a connection of which nothing has been read. */
  accept(socket: Socket | TLSSocket): void {
    this.#server.emit("connection", socket);
  }

  /** Calls `told` for each TLS handshake that fails from now on, or takes too long; never on a server without TLS. */
  onHandshakeFailed(told: () => void): void {
    this.#server.on("tlsClientError", told);
  }

  /** The certificate and key of connections from now on; those that stand are let be. Throws where they are no pair. */
  setTls(tls: ServerTls): void {
    if (!("setSecureContext" in this.#server)) throw new Error("a server without TLS has no certificate");
    this.#server.setSecureContext(contextOf(tls));
  }

  /** Takes no further calls; lets those that are under way end, and cuts what is left after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    const gone = [...this.#connections.keys()].map((session) => {
      return new Promise<void>((resolve) => session.once("close", () => resolve()));
    });
    for (const connection of this.#connections.values()) connection.close();
    const late = new AbortController();
    const grace = sleep(graceMs, undefined, { signal: late.signal }).catch(ignore);
    await Promise.race([Promise.all(gone), grace]);
    late.abort();
    for (const connection of this.#connections.values()) connection.end();
  }

  #begin(session: ServerHttp2Session): void {
    const { partialBytesMax = PARTIAL_BYTES_MAX } = this.#options;
    const connection = new Connection(session, partialBytesMax, this.#partial, this.#waits);
    this.#connections.set(session, connection);
    session.on("close", () => this.#connections.delete(session));
    session.on("stream", (stream, headers) => this.#take(stream, headers, connection));
  }

  #take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, connection: Connection): void {
    // Node tells of a stream a moment after its headers came: what came with them may have ended it.
    if (isGone(stream)) return void stream.on("error", ignore);
    if (headers[":method"] !== "POST") return turnAway(stream, 405);
    // As gRPC over HTTP2 wants it, so that no other client takes a refusal with status 200 for an answer.
    if (!isGrpc(headers["content-type"])) return turnAway(stream, 415);
    const path = headers[":path"] ?? "";
    const method = this.#methods.get(path);
    if (method === undefined) {
      const text = `${path.slice(0, PATH_SHOWN_MAX)} is not served here`;
      stream.on("error", ignore).resume();
      return respondAlone(stream, {
        ...HEADERS,
        ...trailersOf(new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, text)),
      });
    }
    switch (method.description.methodKind) {
      case "unary":
        return new UnaryCall(stream, headers, method, connection).begin();
      case "server_streaming":
        return new ServerStreamingCall(stream, headers, method, connection).begin();
      case "client_streaming":
      case "bidi_streaming":
        return new BidiCall(stream, headers, method, connection).begin();
    }
  }
}

function secured(limits: SecureServerOptions, tls: ServerTls, handshakeMs: number): Http2SecureServer {
  const server = createSecureServer({ ...limits, ...contextOf(tls), handshakeTimeout: handshakeMs });
  // Node leaves a broken connection's error to whoever made the server (nodejs/node#35824).
  server.on("secureConnection", (socket) => socket.on("error", ignore));
  server.on("unknownProtocol", (socket) => socket.destroy());
  return server;
}

function contextOf({ key, certificate }: ServerTls): Pick<SecureServerOptions, "key" | "cert" | "minVersion"> {
  return { key, cert: certificate, minVersion: "TLSv1.2" };
}

/** Answers what is no call of gRPC with a status of HTTP. */
function turnAway(stream: ServerHttp2Stream, httpStatus: number): void {
  stream.on("error", ignore).resume();
  respondAlone(stream, { ":status": httpStatus });
}
