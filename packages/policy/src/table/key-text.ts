/** Public keys between their text and their bytes. Text that is not 64 lowercase hexadecimal digits stays text. */
import { KEY_BYTES } from "./columns.ts";

const DIGITS = "0123456789abcdef";
const VALUES = new Uint8Array(128).fill(255);
for (const [value, digit] of DIGITS.split("").entries()) VALUES[digit.charCodeAt(0)] = value;

/** Writes a key's bytes; false where the text is none, and what stands there is then of no use. */
export function packKey(text: string, into: Uint8Array, from: number): boolean {
  if (text.length !== 2 * KEY_BYTES) return false;
  for (let at = 0; at < KEY_BYTES; at += 1) {
    const high = VALUES[text.charCodeAt(2 * at)] ?? 255;
    const low = VALUES[text.charCodeAt(2 * at + 1)] ?? 255;
    if (high === 255 || low === 255) return false;
    into[from + at] = (high << 4) | low;
  }
  return true;
}

/** A key's text. */
export function keyText(bytes: Uint8Array, from: number): string {
  let text = "";
  for (let at = from; at < from + KEY_BYTES; at += 1) {
    const byte = bytes[at] ?? 0;
    text += (DIGITS[byte >> 4] ?? "") + (DIGITS[byte & 15] ?? "");
  }
  return text;
}
