/**
 * Certificates, by default a self-signed one for 127.0.0.1, made when a test starts: nothing expires in the repository, and no key lies
 * in it. Just enough DER for that.
 */
import { generateKeyPairSync, randomInt, sign } from "node:crypto";

/** A server's certificate, which is its own authority, and its key; both PEM. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly commonName: string;
}

const OID = {
  ecdsaSha256: "2a8648ce3d040302",
  commonName: "550403",
  altName: "551d11",
  basicConstraints: "551d13",
  usages: "551d25",
  nameConstraints: "551d1e",
  unknown: "2a0304",
};

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

/** Context tags: the version, the extensions, an IP address or a DNS name in a name, permitted names. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const IP_ADDRESS = 0x87;
const DNS_NAME = 0x82;
const PERMITTED = 0xa0;

/** What a certificate is to say. */
export interface CertificateWishes {
  /** Who signs it; itself where nobody is named. */
  readonly issuer?: TestCertificate;
  readonly commonName?: string;
  /** May sign others; the default for one that signs itself. */
  readonly authority?: boolean;
  /** Milliseconds since 1970; yesterday and tomorrow where they are not said. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly (readonly number[])[];
  /** Extended key usages, as DER in hexadecimal. */
  readonly usages?: readonly string[];
  /** Constrains names to those below `test`. */
  readonly constrained?: boolean;
  /** Carries a critical extension that nobody knows. */
  readonly oddity?: boolean;
}

/** Makes a certificate: where nothing else is wished, its own authority, for 127.0.0.1, from yesterday until tomorrow. */
export function makeCertificate(wishes: CertificateWishes = {}): TestCertificate {
  const { issuer, commonName = "moult test", addresses = [[127, 0, 0, 1]], dnsNames = [], usages = [] } = wishes;
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(TAG.sequence, oid(OID.ecdsaSha256));
  const subject = nameOf(commonName);
  const dayMs = 86_400_000;
  const { fromMs = Date.now() - dayMs, untilMs = Date.now() + dayMs } = wishes;
  const isAuthority = wishes.authority ?? issuer === undefined;
  const constraints = der(TAG.sequence, isAuthority ? der(TAG.boolean, Buffer.from([0xff])) : Buffer.alloc(0));
  const names = [
    ...addresses.map((address) => der(IP_ADDRESS, Buffer.from(address))),
    ...dnsNames.map((name) => der(DNS_NAME, Buffer.from(name))),
  ];
  const below = der(TAG.sequence, der(DNS_NAME, Buffer.from("test")));
  const extensions = [
    extension(OID.basicConstraints, constraints),
    ...(names.length === 0 ? [] : [extension(OID.altName, der(TAG.sequence, ...names))]),
    ...(usages.length === 0 ? [] : [extension(OID.usages, der(TAG.sequence, ...usages.map(oid)))]),
    ...(wishes.constrained === true ? [extension(OID.nameConstraints, der(TAG.sequence, der(PERMITTED, below)))] : []),
    ...(wishes.oddity === true ? [extension(OID.unknown, der(TAG.sequence), true)] : []),
  ];
  const body = der(
    TAG.sequence,
    der(VERSION, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, Buffer.from([1, randomInt(256)])),
    algorithm,
    nameOf(issuer?.commonName ?? commonName),
    der(TAG.sequence, time(fromMs), time(untilMs)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXTENSIONS, der(TAG.sequence, ...extensions)),
  );
  const signature = sign("sha256", body, issuer?.key ?? privateKey);
  const cert = der(TAG.sequence, body, algorithm, der(TAG.bits, Buffer.from([0]), signature));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString("base64")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    commonName,
  };
}

function nameOf(commonName: string): Buffer {
  const attribute = der(TAG.sequence, oid(OID.commonName), der(TAG.utf8, Buffer.from(commonName)));
  return der(TAG.sequence, der(SET, attribute));
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

function extension(id: string, value: Buffer, critical = false): Buffer {
  const mark = critical ? der(TAG.boolean, Buffer.from([0xff])) : Buffer.alloc(0);
  return der(TAG.sequence, oid(id), mark, der(TAG.octets, value));
}
