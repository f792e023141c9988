/** Digests: SHA-256, written as 64 lowercase hexadecimal digits. They name parts, builds and keys. */
import { hash } from "node:crypto";

const DIGEST = /^[0-9a-f]{64}$/;

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/** Whether `text` is written as a digest is. */
export function isDigest(text: unknown): text is string {
  return typeof text === "string" && DIGEST.test(text);
}
