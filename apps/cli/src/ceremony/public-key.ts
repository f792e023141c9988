/** Public halves as members hand them over: on the command line, or in a file. */
import { createHash, createPublicKey } from "node:crypto";
import { KeyError, parsePublicKey } from "@moult/trust";
import { type CliError, usageError } from "../errors.ts";
import { readBounded } from "../files.ts";

/** A public key takes 64 bytes, a certificate some kilobytes. */
const FILE_BYTES_MAX = 65_536;

const HEX = /^[0-9a-f]{64}$/;

/** What a pin is, for who gave something else. */
export const PIN_ADVICE =
  "A pin is the SHA-256 of a TLS key's SubjectPublicKeyInfo. Give the coordinator's tls/server.pem, or what this shows: moult key pin FILE";

/**
 * A public key, 64 hexadecimal digits: given as such, in a file that holds them, or in what `moult key … -o json` printed.
 * Throws CliError USAGE; a private key is refused, so that nobody gets used to sending one.
 */
export function readPublicKey(text: string): string {
  const key = HEX.test(text) ? text : inFile(text);
  try {
    parsePublicKey(key);
  } catch (error) {
    if (error instanceof KeyError) throw usageError(`${text}: ${error.message}`);
    throw error;
  }
  return key;
}

/**
 * A pin: SHA-256 of a TLS key's SubjectPublicKeyInfo, 64 hexadecimal digits; given as such, or as a PEM file of a
 * certificate or a key. Throws CliError USAGE.
 */
export function readPin(text: string): string {
  return HEX.test(text) ? text : pinOf(text, readText(text));
}

/** The pin of the key in a PEM text. Throws CliError USAGE. */
export function pinOf(path: string, pem: string): string {
  try {
    const spki = createPublicKey(pem).export({ type: "spki", format: "der" });
    return createHash("sha256").update(spki).digest("hex");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw usageError(`${path} holds neither a certificate nor a key in PEM.`, PIN_ADVICE);
  }
}

function inFile(path: string): string {
  const text = readText(path).trim();
  if (text.includes("PRIVATE KEY")) {
    throw usageError(`${path} is a private key, which nobody but its owner needs.`, `Give: moult key show ${path}`);
  }
  if (HEX.test(text)) return text;
  const value = publicKeyIn(text);
  if (typeof value === "string") return value;
  throw noKey(path);
}

function publicKeyIn(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" && document !== null && "publicKey" in document
      ? document.publicKey
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readText(path: string): string {
  return new TextDecoder().decode(readBounded(path, FILE_BYTES_MAX));
}

function noKey(path: string): CliError {
  return usageError(`${path} holds no public key.`, "Write one into it with: moult key show KEY -o json");
}
