/**
 * TLS to a peer that may be named by an IP address. TLS allows no address as server name (RFC 6066), and the runtime
 * refuses to send one as grpc-js would; so a name that means nothing is sent, and the certificate is checked against the
 * address itself.
 */
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";

/** What a secure channel is made of. */
export interface SecureChannel {
  readonly credentials: ChannelCredentials;
  readonly options: ClientOptions;
}

/** Reserved for never being a host (RFC 2606). */
const NO_NAME = "ip-address.invalid";

/** The caller's own certificate and its key, in PEM. */
export interface ClientCertificate {
  readonly certificatePem: string | Uint8Array;
  readonly keyPem: string | Uint8Array;
}

/**
 * For `address` (`host:port`); trusts the authority in `caPem`, or the machine's own where it is undefined. Shows `own` to a
 * server that asks for it.
 */
export function secureChannel(
  address: string,
  caPem: string | Uint8Array | undefined,
  own?: ClientCertificate,
): SecureChannel {
  const ca = caPem === undefined ? null : Buffer.from(caPem);
  const key = own === undefined ? null : Buffer.from(own.keyPem);
  const certificate = own === undefined ? null : Buffer.from(own.certificatePem);
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 0) return { credentials: credentials.createSsl(ca, key, certificate), options: {} };
  return {
    credentials: credentials.createSsl(ca, key, certificate, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    }),
    options: { "grpc.ssl_target_name_override": NO_NAME },
  };
}
