/** Whom the device talks to: the authorities it was given, and the time floor it judges their certificates by. */
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type SecureContext, type TLSSocket, checkServerIdentity, connect, createSecureContext } from "node:tls";
import type { Socket } from "node:net";
import { PeerError, judgePeer } from "./judge-peer.ts";

/** What peers are judged by: authorities, time, and the keys that the trusted root names, where it names any. */
export interface PeerTrust {
  readonly authorities: readonly X509Certificate[];
  readonly context: SecureContext;
  /** T: milliseconds since 1970 that it is at least. */
  readonly floorMs: () => number;
  /** As in `PeerRules`; asked anew for each server, for a new root may name others. */
  readonly pins: () => readonly string[];
}

/** One certificate in a PEM file. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Trust in the authorities in `caPem`. Throws PeerError where there are none. */
export function trustPeers(caPem: string, floorMs: () => number, pins: () => readonly string[] = () => []): PeerTrust {
  const pems = caPem.match(CERTIFICATE) ?? [];
  if (pems.length === 0) throw new PeerError("NOT_TRUSTED", "the authority's file holds no certificate");
  const authorities = pems.map((pem) => new X509Certificate(pem));
  return { authorities, context: createSecureContext({ ca: [...pems], minVersion: "TLSv1.2" }), floorMs, pins };
}

/** When the last of the authorities ends, in milliseconds since 1970. */
export function lastEndMs({ authorities }: Pick<PeerTrust, "authorities">): number {
  return Math.max(...authorities.map((authority) => authority.validToDate.getTime()));
}

/** How a TLS connection is made. */
export interface SecureOptions {
  /** Name or address without brackets; the certificate must be for it. */
  readonly host: string;
  readonly protocols?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * TLS over a connected socket, with the server judged before a byte of the caller's goes out. Rejects with PeerError, or
 * with what the socket says; the socket is destroyed then.
 */
export function secure(
  socket: Socket,
  trust: PeerTrust,
  { host, protocols, signal }: SecureOptions,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext: trust.context,
      // OpenSSL's verdict is asked for below and is not the last word: see judge-peer.ts. Nothing is written before.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      // TLS allows no address as server name (RFC 6066).
      ...(isIP(host) === 0 && { servername: host }),
      ...(protocols && { ALPNProtocols: [...protocols] }),
    });
    const fail = (error: Error): void => {
      signal?.removeEventListener("abort", abort);
      // What else it may say after this interests nobody, but must not end the process.
      secured.on("error", () => undefined);
      secured.destroy();
      reject(error);
    };
    const abort = (): void => fail(new Error("the connection was given up"));
    const closed = (): void => fail(new Error("the connection was closed during the handshake"));
    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    secured.once("error", fail);
    secured.once("close", closed);
    secured.once("secureConnect", () => {
      const error = judge(secured, trust, host);
      if (error !== undefined) return fail(error);
      signal?.removeEventListener("abort", abort);
      secured.off("error", fail);
      secured.off("close", closed);
      resolve(secured);
    });
  });
}

function judge(secured: TLSSocket, trust: PeerTrust, host: string): PeerError | undefined {
  // A resumed session shows no chain; none is ever offered, so one that is there is not believed.
  if (secured.isSessionReused())
    return new PeerError("NOT_TRUSTED", "the server resumed a session that was not offered");
  const wallClockVerdict = secured.authorized ? undefined : String(secured.authorizationError);
  const nameError = checkServerIdentity(host, secured.getPeerCertificate())?.message;
  return judgePeer(
    { leaf: secured.getPeerX509Certificate(), wallClockVerdict, nameError },
    { authorities: trust.authorities, floorMs: trust.floorMs(), pins: trust.pins() },
  );
}
