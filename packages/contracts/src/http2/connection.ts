/**
 * One HTTP/2 connection: who is at its other end, what is held for it, whether it still answers and whether it floods. Ends
 * connections; knows nothing of methods.
 */
import { type ServerHttp2Session, constants } from "node:http2";
import { TLSSocket } from "node:tls";
import { Budget } from "./budget.ts";
import { TokenBucket } from "./flood.ts";
import type { Awaited } from "./patience.ts";
import type { Pinged, Waits } from "./waits.ts";

/** PING and SETTINGS frames at once, and a second for ever. Go's client pings once a round trip while it measures a line. */
const CONTROL_BURST = 1_000;
const CONTROL_PER_S = 100;

const CONNECTION = Symbol("connection");
type ConnectionSession = ServerHttp2Session & { [CONNECTION]?: Connection };

/** A connection that stands. Connections are many: what listens to them, and what times them, is shared by all. */
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
  readonly #control = new TokenBucket(CONTROL_BURST, CONTROL_PER_S, performance.now());

  /** While it is let be, and while it is to answer a ping. */
  #quiet: Awaited<Pinged>;
  #pong: Awaited<Pinged> | undefined;

  constructor(session: ServerHttp2Session, partialBytesMax: number, all: Budget, waits: Waits) {
    this.#session = session;
    this.budget = new Budget(partialBytesMax, all);
    this.waits = waits;
    const { socket } = session;
    this.peer = socket.remoteAddress === undefined ? "unknown" : `${socket.remoteAddress}:${socket.remotePort ?? 0}`;
    this.certificate = certificateOf(socket);
    (session as ConnectionSession)[CONNECTION] = this;
    session.on("ping", onControl);
    session.on("remoteSettings", onControl);
    session.on("close", onClose);
    this.#quiet = waits.quiet.add(this);
  }

  /** A frame came that asks for an answer at once. */
  control(): void {
    if (!this.#control.take(performance.now())) this.end(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** It has ended, whichever way. */
  closed(): void {
    this.waits.quiet.delete(this.#quiet);
    if (this.#pong !== undefined) this.waits.pongs.delete(this.#pong);
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

  /** Asks whether its peer is still there. */
  ping(): void {
    const session = this.#session;
    // A connection that is closing has its grace, and Node pings it no more.
    if (session.destroyed || session.closed) return;
    const pong = this.waits.pongs.add(this);
    this.#pong = pong;
    const isSent = session.ping((error) => {
      this.waits.pongs.delete(pong);
      if (session.destroyed) return;
      if (error === null) this.#quiet = this.waits.quiet.add(this);
      else this.end();
    });
    if (!isSent) this.end();
  }
}

function onControl(this: ConnectionSession): void {
  this[CONNECTION]?.control();
}

function onClose(this: ConnectionSession): void {
  this[CONNECTION]?.closed();
}

function certificateOf(socket: ServerHttp2Session["socket"]): Uint8Array | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  return raw;
}
