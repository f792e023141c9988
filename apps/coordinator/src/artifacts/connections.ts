/**
 * Bounds the connections of the artifact endpoint, which is open to everybody: how many there are, how many of one
 * address, and that each of them moves. A client that stops reading, or reads a byte a minute, would otherwise hold a
 * descriptor and an open file for ever.
 */
import type { Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Log } from "../ports.ts";

/** The bounds. */
export interface ConnectionBounds {
  /** At most so many at once; further ones are refused. */
  readonly connectionsMax: number;
  /** At most so many of one address. */
  readonly connectionsPerAddressMax: number;
  /** A connection that moves fewer than WINDOW_BYTES_MIN bytes in this time is ended, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** So little in a whole window is no download, however slow the line: 17 bytes a second where the window is a minute. */
const WINDOW_BYTES_MIN = 1_024;

/** Refusals are told at most this often, in milliseconds. */
const TELL_MS = 60_000;

/** Puts the bounds on a server. */
export function boundConnections(server: Server, bounds: ConnectionBounds, log: Log): void {
  const perAddress = new Map<string, number>();
  const tell = sparingly((why) => log.warn({ why }, "connections to the artifacts were refused"));
  server.maxConnections = bounds.connectionsMax;
  server.on("drop", () => tell("connections_max"));
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = (perAddress.get(address) ?? 0) + 1;
    perAddress.set(address, count);
    socket.once("close", () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
    if (count > bounds.connectionsPerAddressMax) {
      tell("connections_per_address_max");
      socket.destroy();
    }
  });
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
