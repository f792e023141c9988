/**
 * The port of devices. It stands before the gRPC server and hands it connections, because grpc-js listens by itself without
 * any bound on how many there are: whoever opens sockets and says nothing would take the descriptors of everybody else.
 * TLS and all that follows is the server's; a connection whose peer answers no ping is ended by its keepalive.
 */
import { type AddressInfo, type Socket, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { type ConnectionCounts, boundConnections } from "../artifacts/connections.ts";
import type { Log } from "../ports.ts";
import type { TlsMaterial } from "./certificate.ts";

/** What it works with. */
export interface DeviceListenerParts {
  readonly tls: TlsMaterial;
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
  /** Lets what is under way end, and ends what is left after `graceMs`. The server's own shutdown does not wait for these. */
  readonly drain: (graceMs: number) => Promise<void>;
}

/** Starts listening; connections reach `server`. */
export async function startDeviceListener(
  server: GrpcServer,
  { tls, bounds, log }: DeviceListenerParts,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningDeviceListener> {
  const injectorFor = ({ key, certificate }: TlsMaterial) => {
    const keyPair = { private_key: Buffer.from(key), cert_chain: Buffer.from(certificate) };
    return server.createConnectionInjector(ServerCredentials.createSsl(null, [keyPair]));
  };
  // One for each certificate that was ever shown: connections stay with the one they came in by.
  const injectors = [injectorFor(tls)];
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true });
  boundConnections(listener, bounds, log, "gRPC");
  listener.on("connection", (socket) => {
    if (socket.destroyed) return;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injectors.at(-1)?.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (listener.address() as AddressInfo).port,
    setTls: (next) => void injectors.push(injectorFor(next)),
    close: () => void listener.close(),
    async drain(graceMs) {
      for (const injector of injectors) injector.drain(graceMs);
      const gone = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      await Promise.race([Promise.all(gone), sleep(graceMs)]);
      for (const socket of sockets) socket.destroy();
    },
  };
}
