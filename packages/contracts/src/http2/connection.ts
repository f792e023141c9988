/**
 * One HTTP/2 connection: who is at its other end, what is held for it, whether it still answers and whether it floods. Ends
 * connections; knows nothing of methods.
 */
import { type ServerHttp2Session, constants } from "node:http2";
import { TLSSocket } from "node:tls";
import { Budget } from "./budget.ts";
import { TokenBucket } from "./flood.ts";
import type { Waits } from "./waits.ts";

/** How a connection is kept. */
export interface ConnectionLimits {
  /** A ping goes out so long after the connection began and after each answer, in milliseconds. */
  readonly keepaliveMs: number;
  /** Without an answer by then the connection is ended, in milliseconds. */
  readonly keepaliveTimeoutMs: number;
  /** Messages of one connection that are not whole or whose call has not ended, in bytes by what their prefixes say. */
  readonly partialBytesMax: number;
}

/** PING and SETTINGS frames at once, and a second for ever. Go's client pings once a round trip while it measures a line. */
const CONTROL_BURST = 1_000;
const CONTROL_PER_S = 100;

/** A connection that stands. */
export class Connection {
  /** Address and port, or `unknown` for a socket that has none. */
  readonly peer: string;
  /** The client's certificate in DER, where TLS or whoever accepted the connection said that it is good. */
  readonly certificate: Uint8Array | undefined;
  /** For messages that are not whole, and requests that have not ended. */
  readonly budget: Budget;
  /** What is waited for of its callers, and of all others. */
  readonly waits: Waits;
  readonly #session: ServerHttp2Session;
  readonly #limits: ConnectionLimits;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: ServerHttp2Session, limits: ConnectionLimits, all: Budget, waits: Waits) {
    this.#session = session;
    this.#limits = limits;
    this.budget = new Budget(limits.partialBytesMax, all);
    this.waits = waits;
    const { socket } = session;
    this.peer = socket.remoteAddress === undefined ? "unknown" : `${socket.remoteAddress}:${socket.remotePort ?? 0}`;
    this.certificate = certificateOf(socket);
    const control = new TokenBucket(CONTROL_BURST, CONTROL_PER_S, performance.now());
    const count = (): void => {
      if (!control.take(performance.now())) this.end(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
    session.on("ping", count);
    session.on("remoteSettings", count);
    session.once("close", () => clearTimeout(this.#timer));
    this.#waitToPing();
  }

  /** Ends it at once, with all its calls. `code` is HTTP/2's, told in a GOAWAY frame. */
  end(code: number = constants.NGHTTP2_CANCEL): void {
    // Typed as if an error had to be there; Node takes the code alone.
    this.#session.destroy(undefined, code);
  }

  /** Takes no further calls; ends when those that it has are over. */
  close(): void {
    this.#session.close();
  }

  #waitToPing(): void {
    this.#timer = setTimeout(() => this.#ping(), this.#limits.keepaliveMs).unref();
  }

  #ping(): void {
    const session = this.#session;
    // A connection that is closing has its grace, and Node pings it no more.
    if (session.destroyed || session.closed) return;
    this.#timer = setTimeout(() => this.end(), this.#limits.keepaliveTimeoutMs).unref();
    const isSent = session.ping((error) => {
      clearTimeout(this.#timer);
      if (error === null) this.#waitToPing();
      else this.end();
    });
    if (!isSent) this.end();
  }
}

function certificateOf(socket: ServerHttp2Session["socket"]): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  return raw;
}
