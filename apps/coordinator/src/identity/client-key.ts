/**
 * What counts of a client's certificate: its public key, whose private half TLS has proved, and its times. Names in a
 * certificate count for nothing; the table of operators names keys.
 */
import { X509Certificate, createHash } from "node:crypto";

/** A certificate's key and when the certificate holds. */
export interface ClientKey {
  /** SHA-256 of the SubjectPublicKeyInfo in DER, 64 hexadecimal digits. */
  readonly spkiSha256: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The key of a certificate in DER; undefined where it is no certificate. */
export function clientKeyOf(der: Uint8Array): ClientKey | undefined {
  let certificate: X509Certificate;
  let spki: Buffer;
  try {
    certificate = new X509Certificate(der);
    spki = certificate.publicKey.export({ type: "spki", format: "der" });
  } catch (error) {
    // What OpenSSL cannot read is no certificate; anything else is a defect.
    if ((error as NodeJS.ErrnoException).code?.startsWith("ERR_") !== true) throw error;
    return undefined;
  }
  return {
    spkiSha256: createHash("sha256").update(spki).digest("hex"),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

/** Whether the certificate holds at this time, milliseconds since 1970. A time that is none holds never. */
export function isValidAt({ notBeforeMs, notAfterMs }: ClientKey, nowMs: number): boolean {
  return nowMs >= notBeforeMs && nowMs <= notAfterMs;
}
