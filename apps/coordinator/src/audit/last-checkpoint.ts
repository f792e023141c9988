/**
 * What was signed last, in a file beside the store. A store that was brought back from a backup does not know what was
 * signed after it; this file does, unless the whole folder was brought back, and then the witnesses do.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AuditError,
  type SignedCheckpoint,
  type VerifierKey,
  checkpointBytes,
  openCheckpoint,
} from "@moult/trust/audit";
import { writeWhole } from "../identity/secret-file.ts";
import { StoreError } from "../store/port.ts";

/** The file. */
export interface LastCheckpoint {
  /** Undefined before the first, and where the last one is of a log of another name. Throws StoreError UNREADABLE. */
  readonly read: () => SignedCheckpoint | undefined;
  /** Durable when it returns. */
  readonly write: (checkpoint: SignedCheckpoint) => void;
}

/** The file in `folder`, for the log of `key`. */
export function lastCheckpointIn(folder: string, key: VerifierKey): LastCheckpoint {
  const path = join(folder, "last-checkpoint");
  return {
    read: () => (existsSync(path) ? openOwn(readFileSync(path), key, path) : undefined),
    write: (checkpoint) => writeWhole(path, checkpointBytes(checkpoint)),
  };
}

/** How many leaves the last checkpoint in `folder` was signed at, whatever the log's name was then; 0 where there is none. */
export function lastSignedSize(folder: string): number {
  const path = join(folder, "last-checkpoint");
  const [, size = "0"] = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  if (!/^\d{1,15}$/.test(size)) throw new StoreError("UNREADABLE", `${path} holds no checkpoint`);
  return Number(size);
}

/** A checkpoint that this log signed; undefined where it is another log's. Throws StoreError UNREADABLE. */
export function openOwn(bytes: Uint8Array, key: VerifierKey, where: string): SignedCheckpoint | undefined {
  const isOther = !Buffer.from(bytes).toString("utf8").startsWith(`${key.name}\n`);
  if (isOther && bytes.length > 0) return undefined;
  try {
    return openCheckpoint(bytes, key);
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    throw new StoreError("UNREADABLE", `${where} holds no checkpoint of this log's key: ${cause.message}`, { cause });
  }
}
