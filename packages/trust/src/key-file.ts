/**
 * The text of a private key's file: PKCS #8 in PEM (RFC 8410), so that other tools read it too. Turns text into keys and
 * back; who writes the file keeps it readable to its owner only (0600).
 */
import { KEY_BYTES } from "./ed25519.ts";
import { fromBase64, toBase64 } from "./encoding.ts";
import { KeyError } from "./errors.ts";

const BEGIN = "-----BEGIN PRIVATE KEY-----";
const END = "-----END PRIVATE KEY-----";

/** What stands before the seed in the one DER form of an Ed25519 private key without attributes. */
const DER_PREFIX: Uint8Array = new Uint8Array(Buffer.from("302e020100300506032b657004220420", "hex"));

/** A key file has some 120 characters; more than this is something else. */
const TEXT_LENGTH_MAX = 4096;

/** The text of a key file. Throws KeyError PRIVATE_KEY_INVALID. */
export function writeKeyFile(privateKey: Uint8Array): string {
  if (privateKey.length !== KEY_BYTES) {
    throw new KeyError("PRIVATE_KEY_INVALID", `A private key has ${KEY_BYTES} bytes, not ${privateKey.length}.`);
  }
  const der = new Uint8Array(DER_PREFIX.length + KEY_BYTES);
  der.set(DER_PREFIX);
  der.set(privateKey, DER_PREFIX.length);
  return `${BEGIN}\n${toBase64(der)}\n${END}\n`;
}

/** The private key in the text of a key file. Throws KeyError KEY_FILE_INVALID; the message never has the text. */
export function readKeyFile(text: string): Uint8Array {
  if (text.length > TEXT_LENGTH_MAX) throw invalid();
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length < 3 || lines[0] !== BEGIN || lines.at(-1) !== END) throw invalid();
  const der = fromBase64(lines.slice(1, -1).join(""));
  if (der === undefined || der.length !== DER_PREFIX.length + KEY_BYTES) throw invalid();
  if (!DER_PREFIX.every((byte, index) => der[index] === byte)) throw invalid();
  return der.slice(DER_PREFIX.length);
}

function invalid(): KeyError {
  return new KeyError(
    "KEY_FILE_INVALID",
    "The file holds no Ed25519 private key. Make one with `moult key generate --out FILE`.",
  );
}
