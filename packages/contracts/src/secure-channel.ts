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

/** For `address` (`host:port`); trusts the authority in `caPem`, or the machine's own where it is undefined. */
export function secureChannel(address: string, caPem: string | Uint8Array | undefined): SecureChannel {
  const ca = caPem === undefined ? null : Buffer.from(caPem);
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  if (isIP(host) === 0) return { credentials: credentials.createSsl(ca), options: {} };
  return {
    credentials: credentials.createSsl(ca, null, null, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    }),
    options: { "grpc.ssl_target_name_override": NO_NAME },
  };
}
