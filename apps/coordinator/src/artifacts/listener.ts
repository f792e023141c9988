/** The artifacts' port: HTTPS that asks for a client certificate, for operators who upload, and bounds its connections. */
import { createServer } from "node:https";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { STOP_GRACE_MS, drainHttp } from "../operations/grace.ts";
import type { Log } from "../ports.ts";
import type { TlsMaterial } from "../tls/certificate.ts";
import { type ConnectionBounds, boundMovingConnections } from "./connections.ts";

/** A part of 1 GiB over a line of 2.4 Mbit/s; only releasers' uploads last longer than their headers. */
const UPLOAD_MS = 3_600_000;
/** A TLS handshake is two round trips; who takes longer only holds a place. */
const HANDSHAKE_MS = 15_000;

/** What it works with. */
export interface ArtifactListenerParts {
  readonly handle: RequestListener;
  readonly tls: TlsMaterial;
  /** PEM of the authority that signs operators' certificates; undefined where their keys alone are known. */
  readonly operatorsCaPem: string | undefined;
  readonly bounds: ConnectionBounds;
  readonly log: Log;
}

/** A port that listens. */
export interface RunningArtifactListener {
  readonly port: number;
  /** New connections are shown this from now on. */
  readonly setTls: (tls: TlsMaterial) => void;
  /** Lets transfers end for a moment, then cuts them. */
  readonly stop: () => Promise<void>;
}

/** Starts listening. */
export async function startArtifactListener(
  { handle, tls, operatorsCaPem, bounds, log }: ArtifactListenerParts,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningArtifactListener> {
  const contextOf = ({ certificate, key }: TlsMaterial) => ({
    cert: certificate,
    key,
    ...(operatorsCaPem === undefined ? {} : { ca: operatorsCaPem }),
  });
  const server = createServer(
    {
      ...contextOf(tls),
      // For operators who upload; devices have none and need none.
      requestCert: true,
      rejectUnauthorized: false,
      requestTimeout: UPLOAD_MS,
      handshakeTimeout: HANDSHAKE_MS,
    },
    handle,
  );
  boundMovingConnections(server, bounds, log, "artifacts");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    setTls: (next) => server.setSecureContext(contextOf(next)),
    stop: () => drainHttp(server, STOP_GRACE_MS),
  };
}
