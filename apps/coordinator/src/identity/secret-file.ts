/**
 * Secrets in the state folder: made on the first start, read on every other. One is written whole under another name
 * first, so that a crash never leaves an empty one, and one that is too short is refused: it could be guessed.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Random } from "../ports.ts";

/** 256 bits: not to be guessed. */
const SECRET_BYTES = 32;
/** Characters of 256 bits in base64url, the shortest form that is written. */
const SECRET_LENGTH_MIN = 43;

/** A secret file that cannot be relied on. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}

/** The secret's text; a new one of 32 random bytes where there is no file. Throws SecretError. */
export function readOrMakeSecret(path: string, random: Random, encoding: "hex" | "base64url"): string {
  if (!existsSync(path)) writeWhole(path, `${Buffer.from(random.bytes(SECRET_BYTES)).toString(encoding)}\n`);
  const secret = readFileSync(path, "utf8").trim();
  if (secret.length >= SECRET_LENGTH_MIN) return secret;
  throw new SecretError(`${path} holds no secret of ${SECRET_BYTES} bytes: remove the file, and a new one is made`);
}

/** Replaces a file that only its owner reads; durable when it returns, and whole or as it was after a crash. */
export function writeWhole(path: string, text: string | Uint8Array): void {
  const temporary = `${path}.new`;
  rmSync(temporary, { force: true });
  const file = openSync(temporary, "wx", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
