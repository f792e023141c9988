/** Makes a key and a certificate for it that is its own authority: what counts of it at the coordinator is its key. */
import { createHash } from "node:crypto";

/** A little back, for coordinators whose clock is behind, in milliseconds. */
const BACKDATE_MS = 3_600_000;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** What was made. */
export interface OwnCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  /** SHA-256 of the SubjectPublicKeyInfo in DER, 64 hexadecimal digits. */
  readonly spkiSha256: string;
  readonly notAfterMs: number;
}

/** Makes them. The name is for people who look into the file. */
export async function makeCertificate(wish: {
  readonly name: string;
  readonly nowMs: number;
  readonly lifeMs: number;
}): Promise<OwnCertificate> {
  // Loaded only here: the library is large, and most runs make no certificate. It wants the polyfill to be there first.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  // Certificates count whole seconds.
  const notAfterMs = Math.floor((wish.nowMs + wish.lifeMs) / 1000) * 1000;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [wish.name] }],
    keys,
    notBefore: new Date(wish.nowMs - BACKDATE_MS),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const spki = await crypto.subtle.exportKey("spki", keys.publicKey);
  return {
    certificatePem: `${certificate.toString("pem")}\n`,
    keyPem: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n`,
    spkiSha256: createHash("sha256").update(new Uint8Array(spki)).digest("hex"),
    notAfterMs,
  };
}
