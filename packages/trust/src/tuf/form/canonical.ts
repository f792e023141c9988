/**
 * Canonical JSON, the bytes that TUF signs. The encoder is the library's; what it is unsure about (fractions, large
 * numbers, half characters) never gets here, because the strict reader refuses it.
 */
import { canonicalize } from "@tufjs/canonical-json";
import type { Json } from "./strict-json.ts";

/** The bytes that a signature over `value` is about. */
export function canonicalBytes(value: Json): Uint8Array {
  return new TextEncoder().encode(canonicalize(value));
}
