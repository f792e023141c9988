/**
 * A self-signed certificate for 127.0.0.1, made when a test starts: nothing expires in the repository, and no key lies
 * in it. Just enough DER for that.
 */
import { generateKeyPairSync, sign } from "node:crypto";

/** A server's certificate, which is its own authority, and its key; both PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

const OID = { ecdsaSha256: "2a8648ce3d040302", commonName: "550403", altName: "551d11", basicConstraints: "551d13" };

/** Universal tags of DER. */
const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
};
const SET = 0x31;

/** Context tags: the version, the extensions, an IP address in a name. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const IP_ADDRESS = 0x87;

const DAY_MS = 86_400_000;

/** When a certificate is valid, in milliseconds since 1970. */
export interface CertificateWishes {
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

/** Makes a certificate that is valid from yesterday until tomorrow, unless the wishes say otherwise. */
export function makeCertificate(wishes: CertificateWishes = {}): TestCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(TAG.sequence, oid(OID.ecdsaSha256));
  const attribute = der(TAG.sequence, oid(OID.commonName), der(TAG.utf8, Buffer.from("moult test")));
  const name = der(TAG.sequence, der(SET, attribute));
  const { notBeforeMs = Date.now() - DAY_MS, notAfterMs = Date.now() + DAY_MS } = wishes;
  const validity = der(TAG.sequence, time(notBeforeMs), time(notAfterMs));
  const isAuthority = der(TAG.sequence, der(TAG.boolean, Buffer.from([0xff])));
  const addresses = der(TAG.sequence, der(IP_ADDRESS, Buffer.from([127, 0, 0, 1])));
  const extensions = der(TAG.sequence, extension(OID.basicConstraints, isAuthority), extension(OID.altName, addresses));
  const body = der(
    TAG.sequence,
    der(VERSION, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXTENSIONS, extensions),
  );
  const signature = sign("sha256", body, privateKey);
  const cert = der(TAG.sequence, body, algorithm, der(TAG.bits, Buffer.from([0]), signature));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString("base64")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function oid(hex: string): Buffer {
  return der(TAG.oid, Buffer.from(hex, "hex"));
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.[0-9]+/g, "");
  return der(TAG.time, Buffer.from(text));
}

function extension(id: string, value: Buffer): Buffer {
  return der(TAG.sequence, oid(id), der(TAG.octets, value));
}
