/** Client certificates for tests, made anew each time: their own authority's, or an authority's. */
// The certificate library wants this polyfill to be there first.
import "reflect-metadata";
import { createHash } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR_MS = 3_600_000;

interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** A certificate with its key. */
export interface TestCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** As the table of operators names it. */
  readonly spkiSha256: string;
  readonly keys: KeyPair;
}

/** What may differ. */
export interface CertificateWish {
  /** Hours from now until it ends; negative for one that has ended. */
  readonly endsInHours?: number;
  /** Who signs it; itself by default. */
  readonly by?: TestCertificate;
  /** Whose key it has; a new one by default. */
  readonly keys?: KeyPair;
  /** Whether it may sign others. */
  readonly authority?: boolean;
}

/** Makes one. */
export async function makeCertificate(wish: CertificateWish = {}): Promise<TestCertificate> {
  const keys = wish.keys ?? (await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]));
  const issuer = wish.by === undefined ? undefined : new x509.X509Certificate(wish.by.certificatePem);
  const subject = wish.authority === true ? `CN=authority ${Math.random()}` : "CN=operator";
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    publicKey: keys.publicKey,
    signingKey: wish.by?.keys.privateKey ?? keys.privateKey,
    notBefore: new Date(Date.now() - 48 * HOUR_MS),
    notAfter: new Date(Date.now() + (wish.endsInHours ?? 24) * HOUR_MS),
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(wish.authority === true, undefined, true)],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  return {
    certificatePem: certificate.toString("pem"),
    keyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"),
    spkiSha256: createHash("sha256").update(spki).digest("hex"),
    keys,
  };
}
