/**
 * Sealed documents: JSON with its SHA-256 in front, so that a torn or stale file is told from a whole one. A seal is
 * against accidents, not against people: whoever can write the file can seal it.
 */
import { createHash } from "node:crypto";

const HEAD = "moult-sealed/v1";

/** The document as bytes. */
export function seal(value: unknown): Uint8Array {
  const body = JSON.stringify(value);
  return new TextEncoder().encode(`${HEAD} ${digest(body)}\n${body}\n`);
}

/** What was sealed; undefined where the bytes are not one whole sealed document. */
export function unseal(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  const lineEnd = text.indexOf("\n");
  if (lineEnd < 0 || !text.endsWith("\n")) return undefined;
  const body = text.slice(lineEnd + 1, -1);
  if (text.slice(0, lineEnd) !== `${HEAD} ${digest(body)}`) return undefined;
  try {
    return JSON.parse(body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
