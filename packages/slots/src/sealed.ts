/**
 * Sealed documents: JSON with its SHA-256 in front, so that a torn or stale file is told from a whole one. A seal is
 * against accidents, not against people: whoever can write the file can seal it.
 */
import { createHash } from "node:crypto";

const HEAD = "moult-sealed/v1";
const LINE_END = 10;

/** The document as bytes. */
export function seal(value: unknown): Uint8Array {
  const body = Buffer.from(`${JSON.stringify(value)}\n`, "utf8");
  return new Uint8Array(Buffer.concat([headOf(body), body]));
}

/** What was sealed; undefined where the bytes are not one whole sealed document. */
export function unseal(bytes: Uint8Array): unknown {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = all.subarray(all.indexOf(LINE_END) + 1);
  if (!Buffer.concat([headOf(body), body]).equals(all)) return undefined;
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function headOf(body: Buffer): Buffer {
  return Buffer.from(`${HEAD} ${createHash("sha256").update(body).digest("hex")}\n`, "latin1");
}
