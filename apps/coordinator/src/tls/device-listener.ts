/**
 * The port of devices. It stands before the gRPC server and hands it connections, because no server of gRPC bounds how many
 * there are: whoever opens sockets and says nothing would take the descriptors of everybody else. TLS and all that follows is
 * the server's: it ends handshakes that take too long, and connections whose peers answer no ping.
 */
import { type AddressInfo, type Socket, createServer } from "node:net";
import type { Http2Server } from "@moult/contracts/http2";
import { type ConnectionCounts, boundConnections } from "../artifacts/connections.ts";
import type { Log } from "../ports.ts";
import type { TlsMaterial } from "./certificate.ts";

/** What it works with. */
export interface DeviceListenerParts {
  readonly bounds: ConnectionCounts;
  readonly log: Log;
}

/** A listener that listens. */
export interface RunningDeviceListener {
  readonly port: number;
  /** New connections are shown this from now on. */
  readonly setTls: (tls: TlsMaterial) => void;
  /** Takes no further connections; those that there are stay. */
  readonly close: () => void;
  /** Lets the calls that are under way end, and ends what is left after `graceMs`. */
  readonly drain: (graceMs: number) => Promise<void>;
}

/** Starts listening; connections reach `server`. */
export async function startDeviceListener(
  server: Http2Server,
  { bounds, log }: DeviceListenerParts,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningDeviceListener> {
  const sockets = new Set<Socket>();
  function closed(this: Socket): void {
    sockets.delete(this);
  }
  const listener = createServer({ noDelay: true });
  boundConnections(listener, bounds, log, "gRPC");
  const { tally } = bounds;
  if (tally !== undefined) server.onHandshakeFailed(() => (tally.handshakesFailed += 1));
  listener.on("connection", (socket) => {
    if (socket.destroyed) return;
    sockets.add(socket);
    socket.on("close", closed);
    server.accept(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (listener.address() as AddressInfo).port,
    setTls: (next) => server.setTls(next),
    close: () => void listener.close(),
    async drain(graceMs) {
      await server.drain(graceMs);
      // Also those that never got as far as a call, or that take nothing of what they are sent.
      for (const socket of sockets) socket.destroy();
    },
  };
}
