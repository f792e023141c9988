/**
 * Bounds the connections of ports that are open to everybody: how many there are and how many of one address; and, where
 * files are sent, that each of them moves. A client that stops reading, or reads a byte a minute, would otherwise hold a
 * descriptor and an open file for ever.
 */
import type { Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Log } from "../ports.ts";

/** What is counted of a port's connections. */
export interface ConnectionTally {
  open: number;
  handshakesFailed: number;
  readonly refused: { connections_max: number; connections_per_address_max: number };
}

/** How many there may be. */
export interface ConnectionCounts {
  /** Where they are counted, for the metrics. */
  readonly tally?: ConnectionTally | undefined;
  /** At most so many at once; further ones are refused. */
  readonly connectionsMax: number;
  /** At most so many of one address. */
  readonly connectionsPerAddressMax: number;
}

/** The bounds of a port whose connections have to move. */
export interface ConnectionBounds extends ConnectionCounts {
  /** A connection that moves fewer than WINDOW_BYTES_MIN bytes in this time is ended, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** So little in a whole window is no download, however slow the line: 17 bytes a second where the window is a minute. */
const WINDOW_BYTES_MIN = 1_024;

/** Refusals are told at most this often, in milliseconds. */
const TELL_MS = 60_000;

/** Bounds how many connections a server has; `port` is what the log calls it. */
export function boundConnections(server: Server, bounds: ConnectionCounts, log: Log, port: string): void {
  const perAddress = new Map<string, number>();
  const tell = sparingly((why) => log.warn({ why, port }, "connections were refused"));
  const { tally } = bounds;
  const refused = (why: keyof ConnectionTally["refused"]): void => {
    if (tally !== undefined) tally.refused[why] += 1;
    tell(why);
  };
  server.maxConnections = bounds.connectionsMax;
  server.on("drop", () => refused("connections_max"));
  if (tally !== undefined) countConnections(server, tally);
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (perAddress.get(address) ?? 0) + 1;
    perAddress.set(address, count);
    // Told once all the same; `once` would cost each connection a wrapper more.
    socket.on("close", () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
    if (count > bounds.connectionsPerAddressMax) {
      refused("connections_per_address_max");
      socket.destroy();
    }
  });
}

/** Counts a server's connections, and where it speaks TLS itself, the handshakes that failed. */
export function countConnections(server: Server, tally: ConnectionTally): void {
  const closed = (): void => void (tally.open -= 1);
  server.on("connection", (socket: Socket) => {
    tally.open += 1;
    socket.on("close", closed);
  });
  server.on("tlsClientError", () => (tally.handshakesFailed += 1));
}

/** The same, and ends connections that do not move. */
export function boundMovingConnections(server: Server, bounds: ConnectionBounds, log: Log, port: string): void {
  boundConnections(server, bounds, log, port);
  server.on("secureConnection", (socket: TLSSocket) => watch(socket, bounds.idleTimeoutMs));
}

/** Ends a connection that does not move enough. Bytes that wait to be sent have not moved. */
function watch(socket: TLSSocket, windowMs: number): void {
  let movedBytes = 0;
  const timer = setInterval(() => {
    const now = socket.bytesRead + socket.bytesWritten - socket.writableLength;
    if (now - movedBytes < WINDOW_BYTES_MIN) socket.destroy();
    movedBytes = now;
  }, windowMs);
  timer.unref();
  socket.once("close", () => clearInterval(timer));
}

function sparingly(tell: (why: string) => void): (why: string) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (why) => {
    const nowMs = performance.now();
    if (nowMs - toldAtMs < TELL_MS) return;
    toldAtMs = nowMs;
    tell(why);
  };
}
