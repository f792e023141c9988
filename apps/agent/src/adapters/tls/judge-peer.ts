/**
 * Whether a TLS server is who it should be, with the time floor T in the place of the wall clock: a clock that stands at
 * 1970 or 2038 must not cut a device off, and one that was set back must not revive a certificate.
 *
 * OpenSSL judges by the wall clock and offers Node no other. So what it says is taken where it is content, and T is held
 * against every certificate besides. Where it objects to dates, and only then, the chain is judged here, by a rule that is
 * narrower than OpenSSL's: the certificate must be signed by a pinned authority itself, which must carry no constraint that
 * is not looked at here. That the server holds the certificate's key has been proved by the handshake in either case.
 */
import { type X509Certificate, createHash } from "node:crypto";

/** Why a server is not to be talked to. */
export type PeerErrorCode =
  /** No pinned authority vouches for it. */
  | "NOT_TRUSTED"
  /** The certificate is for somebody else. */
  | "OTHER_NAME"
  /** T is past the end of a certificate on the way to the authority. */
  | "EXPIRED"
  /** The certificate is not for servers. */
  | "NOT_FOR_SERVERS"
  /** The trusted root names the servers' keys, and this is none of them. */
  | "NOT_PINNED";

/** The server is not who it should be. */
export class PeerError extends Error {
  readonly code: PeerErrorCode;

  constructor(code: PeerErrorCode, message: string) {
    super(message);
    this.name = "PeerError";
    this.code = code;
  }
}

/** What a handshake brought. */
export interface PeerFacts {
  /** The server's certificate, with what it sent after it as `issuerCertificate`. */
  readonly leaf: X509Certificate | undefined;
  /** OpenSSL's verdict by the wall clock: undefined where it is content, else its code. */
  readonly wallClockVerdict: string | undefined;
  /** What the name in the certificate was found to be wrong with; undefined where it fits. */
  readonly nameError: string | undefined;
}

/** OpenSSL's objections to dates. */
const DATES: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

/** A chain that is longer is none that anybody made for a coordinator. */
const CHAIN_LENGTH_MAX = 8;

/** Extended key usages that let a certificate stand for a server (RFC 5280, 4.2.1.12). */
const SERVER_USAGES: ReadonlySet<string> = new Set(["1.3.6.1.5.5.7.3.1", "2.5.29.37.0"]);

/** Name constraints (2.5.29.30) as DER. They are not evaluated here, so an authority that carries them is left to OpenSSL. */
const NAME_CONSTRAINTS = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);

/** What servers are judged by. */
export interface PeerRules {
  readonly authorities: readonly X509Certificate[];
  /** T, milliseconds since 1970. */
  readonly floorMs: number;
  /** SHA-256 of the public keys (SubjectPublicKeyInfo) that a server may have, 64 hexadecimal digits; none: any key. */
  readonly pins: readonly string[];
}

/** What speaks against the server; undefined where nothing does. Pure. */
export function judgePeer(
  { leaf, wallClockVerdict, nameError }: PeerFacts,
  { authorities, floorMs, pins }: PeerRules,
): PeerError | undefined {
  if (leaf === undefined) return new PeerError("NOT_TRUSTED", "the server showed no certificate");
  if (wallClockVerdict !== undefined && !DATES.has(wallClockVerdict)) {
    return new PeerError("NOT_TRUSTED", `the server's certificate is not trusted: ${wallClockVerdict}`);
  }
  const chain = wallClockVerdict === undefined ? chainOf(leaf, authorities) : directChain(leaf, authorities);
  if (chain === undefined) return new PeerError("NOT_TRUSTED", "no pinned authority signed the server's certificate");
  if (pins.length > 0 && !pins.includes(pinOf(leaf))) {
    return new PeerError("NOT_PINNED", "the server's key is none of those that the root names");
  }
  const usages = leaf.keyUsage;
  // Node's types call this a list always; where the certificate says nothing it is undefined, and anything goes.
  if (Array.isArray(usages) && !usages.some((usage) => SERVER_USAGES.has(usage))) {
    return new PeerError("NOT_FOR_SERVERS", "the server's certificate is not for servers");
  }
  if (nameError !== undefined) return new PeerError("OTHER_NAME", nameError);
  const ended = chain.find((certificate) => !(certificate.validToDate.getTime() >= floorMs));
  if (ended === undefined) return undefined;
  const now = new Date(floorMs).toISOString();
  return new PeerError("EXPIRED", `a certificate of the server ended at ${ended.validTo}, and it is ${now} at least`);
}

/** What OpenSSL has found to hold together: the certificate, what was sent with it, and the authorities that signed it. */
function chainOf(
  leaf: X509Certificate,
  authorities: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const chain = [leaf];
  for (let length = 1; length < CHAIN_LENGTH_MAX; length += 1) {
    const last = chain[chain.length - 1] ?? leaf;
    const anchor = authorities.find((authority) => signs(authority, last));
    if (anchor !== undefined) return [...chain, anchor];
    const next = last.issuerCertificate;
    if (next === undefined || next.fingerprint256 === last.fingerprint256) return undefined;
    chain.push(next);
  }
  return undefined;
}

/** The certificate and the authority that signed it, with nothing between. */
function directChain(
  leaf: X509Certificate,
  authorities: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const anchor = authorities.find((authority) => signs(authority, leaf) && !authority.raw.includes(NAME_CONSTRAINTS));
  return anchor && [leaf, anchor];
}

/** Whether the authority may sign certificates, its name is the issuer's, and the signature is its. */
function signs(authority: X509Certificate, certificate: X509Certificate): boolean {
  return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** SHA-256 of the certificate's public key, as RFC 7469 pins keys: in hexadecimal here. */
function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("hex");
}
