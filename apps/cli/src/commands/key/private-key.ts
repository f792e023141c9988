/** Reads a private key's file, and says so where others could have read it too. */
import { statSync } from "node:fs";
import { KeyError, readKeyFile } from "@moult/trust";
import { usageError } from "../../errors.ts";
import { readBounded } from "../../files.ts";
import type { Ports } from "../../ports.ts";

/** A key file has some hundred bytes. */
const KEY_FILE_BYTES_MAX = 16_384;

/** Permissions of group and others. */
const OTHERS_MODE = 0o077;

/** The private key, 32 bytes. Throws CliError USAGE. */
export function readPrivateKey(path: string, ports: Ports): Uint8Array {
  const text = new TextDecoder().decode(readBounded(path, KEY_FILE_BYTES_MAX));
  const stat = statSync(path);
  if (stat.isFile() && (stat.mode & OTHERS_MODE) !== 0) {
    ports.stderr.write(`warning: others on this machine can read ${path}; run: chmod 600 ${path}\n`);
  }
  try {
    return readKeyFile(text);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw usageError(`${path}: ${error.message}`);
  }
}
