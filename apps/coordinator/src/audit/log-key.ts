/**
 * The key the log signs its checkpoints with, in the state folder: made on the first start, kept for ever after. It signs
 * nothing else. `log.vkey` beside it is what auditors and witnesses are given.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { KeyError, derivePublicKey, generateKey, readKeyFile, writeKeyFile } from "@moult/trust";
import { type VerifierKey, formatVkey, verifierKey } from "@moult/trust/audit";
import { SecretError, writeWhole } from "../identity/secret-file.ts";
import type { Random } from "../ports.ts";

/** Bytes of a private key. */
const SEED_BYTES = 32;

/** The key, and what others check it by. */
export interface LogKey {
  readonly privateKey: Uint8Array;
  readonly verifier: VerifierKey;
}

/** Reads the key of the log `origin`, or makes it. `folder` is made where it is not there. Throws SecretError. */
export function readOrMakeLogKey(folder: string, origin: string, random: Random): LogKey {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "log.key");
  if (!existsSync(path)) writeWhole(path, writeKeyFile(generateKey(random.bytes(SEED_BYTES)).privateKey));
  const privateKey = readKey(path);
  const verifier = verifierKey(origin, "note", derivePublicKey(privateKey));
  writeWhole(join(folder, "log.vkey"), `${formatVkey(verifier)}\n`);
  return { privateKey, verifier };
}

function readKey(path: string): Uint8Array {
  try {
    return readKeyFile(readFileSync(path, "utf8"));
  } catch (cause) {
    if (!(cause instanceof KeyError)) throw cause;
    throw new SecretError(`${path} holds no key: put it back from a backup, or give the log a new name`, { cause });
  }
}
