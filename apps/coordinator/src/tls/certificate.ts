/**
 * TLS of the coordinator. Where no certificate is configured it makes an authority and a certificate of its own in the
 * state folder; devices and operators are given the authority's certificate (`tls/ca.pem`) and trust nothing else.
 */
// The certificate library wants this polyfill to be there first.
import "reflect-metadata";
import { createHash, createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import * as x509 from "@peculiar/x509";

const DAY_MS = 86_400_000;
/** The authority outlives the boxes that were flashed with it. */
const AUTHORITY_DAYS = 20 * 365;
const SERVER_DAYS = 365;
/** A certificate with less than this left is made anew at start. */
const RENEW_BEFORE_MS = 60 * DAY_MS;
/** A little back, for clients whose clock is behind. */
const BACKDATE_MS = DAY_MS;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** PEM texts. */
export interface TlsMaterial {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** TLS files that cannot be used. The message begins with the key of the configuration that names the file. */
export class TlsError extends Error {
  override readonly name = "TlsError";
}

/** Reads the files that are configured. Throws TlsError. */
export function readTls(files: {
  readonly cert_file: string;
  readonly key_file: string;
  readonly ca_file: string;
}): TlsMaterial {
  const read = (key: keyof typeof files): string => {
    try {
      return readFileSync(files[key], "utf8");
    } catch (cause) {
      throw new TlsError(`tls.${key}: ${files[key]} cannot be read: ${(cause as Error).message}`, { cause });
    }
  };
  const material = { ca: read("ca_file"), certificate: read("cert_file"), key: read("key_file") };
  try {
    createSecureContext({ cert: material.certificate, key: material.key });
  } catch (cause) {
    const pair = `${files.cert_file} and ${files.key_file}`;
    throw new TlsError(`tls: ${pair} are no certificate and its key: ${(cause as Error).message}`, { cause });
  }
  return material;
}

/** What roots pin: SHA-256 of the certificate's SubjectPublicKeyInfo, 64 hexadecimal digits. */
export function pinOf({ certificate }: Pick<TlsMaterial, "certificate">): string {
  const spki = createPublicKey(certificate).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

/** Reads the PEM of the authority that signs operators' certificates. Throws TlsError. */
export function readAuthority(path: string): string {
  try {
    const pem = readFileSync(path, "utf8");
    if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw new Error("it holds no certificate in PEM");
    createSecureContext({ ca: pem });
    return pem;
  } catch (cause) {
    throw new TlsError(`operators_ca_file: ${path} cannot be used: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Reads what is in `folder`, making what is missing or about to end. A key that is there stays: the root pins it, and a
 * certificate is renewed around it. So a spare key takes over by being put there as `server.key`.
 */
export async function ownTls(folder: string, names: readonly string[], nowMs: number): Promise<TlsMaterial> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const paths = {
    ca: join(folder, "ca.pem"),
    caKey: join(folder, "ca.key"),
    certificate: join(folder, "server.pem"),
    key: join(folder, "server.key"),
  };
  if (!existsSync(paths.ca) || !existsSync(paths.caKey)) {
    const authority = await makeAuthority(nowMs);
    writeFileSync(paths.caKey, authority.key, { mode: 0o600 });
    writeFileSync(paths.ca, authority.certificate);
  }
  if (!(await isCurrent(paths, names, nowMs))) {
    if (!existsSync(paths.key)) writeFileSync(paths.key, await newServerKey(), { mode: 0o600 });
    const signer = { ca: readFileSync(paths.ca, "utf8"), caKey: readFileSync(paths.caKey, "utf8") };
    writeFileSync(paths.certificate, await certify(signer, readPublicKey(paths.key), names, nowMs));
  }
  return readTls({ ca_file: paths.ca, cert_file: paths.certificate, key_file: paths.key });
}

async function isCurrent(
  paths: { readonly ca: string; readonly certificate: string; readonly key: string },
  names: readonly string[],
  nowMs: number,
): Promise<boolean> {
  if (!existsSync(paths.certificate) || !existsSync(paths.key)) return false;
  const certificate = new x509.X509Certificate(readFileSync(paths.certificate, "utf8"));
  // An authority that was made anew did not sign what the one before it did.
  const ca = new x509.X509Certificate(readFileSync(paths.ca, "utf8"));
  if (!(await certificate.verify({ publicKey: ca.publicKey, signatureOnly: true }))) return false;
  // A certificate is of no use beside another key, such as a spare that has just taken over.
  if (!readPublicKey(paths.key).equals(Buffer.from(certificate.publicKey.rawData))) return false;
  const wanted = alternativeNames(names);
  const present = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  const same = JSON.stringify(present) === JSON.stringify(wanted);
  return same && certificate.notAfter.getTime() - nowMs > RENEW_BEFORE_MS;
}

async function makeAuthority(nowMs: number): Promise<{ readonly key: string; readonly certificate: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Moult coordinator authority",
    keys,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { key: await privatePem(keys.privateKey), certificate: certificate.toString("pem") };
}

async function newServerKey(): Promise<string> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  return privatePem(keys.privateKey);
}

/** The public half of a key file, as SubjectPublicKeyInfo. Throws TlsError. */
function readPublicKey(path: string): Buffer {
  try {
    return createPublicKey(readFileSync(path)).export({ type: "spki", format: "der" });
  } catch (cause) {
    throw new TlsError(`tls: ${path} is no key in PEM: ${(cause as Error).message}`, { cause });
  }
}

async function certify(
  signer: { readonly ca: string; readonly caKey: string },
  publicKey: Buffer,
  names: readonly string[],
  nowMs: number,
): Promise<string> {
  const ca = new x509.X509Certificate(signer.ca);
  const caKey = await crypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(signer.caKey), ALGORITHM, false, [
    "sign",
  ]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: "CN=Moult coordinator",
    issuer: ca.subject,
    publicKey: new x509.PublicKey(publicKey),
    signingKey: caKey,
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + SERVER_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(alternativeNames(names)),
    ],
  });
  return certificate.toString("pem");
}

function alternativeNames(names: readonly string[]): x509.JsonGeneralNames {
  return names.map((value) => ({ type: /^[0-9.]+$|:/.test(value) ? ("ip" as const) : ("dns" as const), value }));
}

async function privatePem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}
