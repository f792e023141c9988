/**
 * The operators' own port: TLS that asks for a client certificate and lets nobody in without one that is good. It stands
 * before the gRPC server and hands it connections, because grpc-js alone either trusts authorities or looks at no
 * certificate: it cannot be told of certificates that are their own authority and are known by their key.
 *
 * Good is a certificate that holds now, whose key is in the table of operators and, where an authority is configured, that
 * the authority signed. TLS has proved the private key in each case. Whose it is is looked up again with each call.
 */
import type { Server as GrpcServer } from "@grpc/grpc-js";
import { ServerCredentials } from "@grpc/grpc-js";
import type { AddressInfo } from "node:net";
import { type ConnectionTally, countConnections } from "../artifacts/connections.ts";
import { type TLSSocket, createServer } from "node:tls";
import { clientKeyOf } from "../identity/client-key.ts";
import type { Operators } from "../identity/operators.ts";
import type { Clock } from "../ports.ts";
import type { TlsMaterial } from "./certificate.ts";

/** Two round trips; who takes longer only holds a place. */
const HANDSHAKE_MS = 15_000;
/** Operators and their tools are few. */
const CONNECTIONS_MAX = 1_024;

/** What it works with. */
export interface OperatorListenerParts {
  readonly tls: TlsMaterial;
  /** PEM of the authority that signs operators' certificates; undefined where their keys alone are known. */
  readonly operatorsCaPem: string | undefined;
  readonly operators: Operators;
  readonly clock: Clock;
  /** Told of each connection whose certificate was missing or not good. */
  readonly onFailure: (address: string) => void;
  readonly tally?: ConnectionTally | undefined;
}

/** A listener that listens. */
export interface RunningOperatorListener {
  readonly port: number;
  /** New connections are shown this from now on. */
  readonly setTls: (tls: TlsMaterial) => void;
  readonly stop: () => void;
}

/** Starts listening; connections with a good certificate reach `server`. */
export async function startOperatorListener(
  server: GrpcServer,
  parts: OperatorListenerParts,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningOperatorListener> {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<TLSSocket>();
  const { tls, operatorsCaPem: ca } = parts;
  const listener = createServer({
    cert: tls.certificate,
    key: tls.key,
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
    handshakeTimeout: HANDSHAKE_MS,
    requestCert: true,
    rejectUnauthorized: ca !== undefined,
    ...(ca === undefined ? {} : { ca }),
  });
  listener.maxConnections = CONNECTIONS_MAX;
  if (parts.tally !== undefined) countConnections(listener, parts.tally);
  listener.on("tlsClientError", (_, socket) => parts.onFailure(socket.remoteAddress ?? ""));
  listener.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    if (!isGood(socket, parts)) {
      parts.onFailure(socket.remoteAddress ?? "");
      socket.destroy();
      return;
    }
    // What grpc-js goes by when it shows a call's certificate. Node says here whether an authority signed; we know the key.
    socket.authorized = true;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (listener.address() as AddressInfo).port,
    setTls: ({ certificate, key }) =>
      listener.setSecureContext({ cert: certificate, key, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) }),
    stop() {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Whether a connection's certificate is an operator's, and good. */
export function isGood(
  socket: TLSSocket,
  { operatorsCaPem, operators, clock }: Pick<OperatorListenerParts, "operatorsCaPem" | "operators" | "clock">,
): boolean {
  if (operatorsCaPem !== undefined && !socket.authorized) return false;
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  const key = raw && clientKeyOf(raw);
  return key !== undefined && operators.byCertificate(key, clock.now()) !== undefined;
}
