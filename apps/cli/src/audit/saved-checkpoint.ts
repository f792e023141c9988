/** A checkpoint that an auditor keeps from one check to the next, so that the log cannot be replaced in between. */
import {
  type SignedCheckpoint,
  type VerifierKey,
  NOTE_BYTES_MAX,
  checkpointBytes,
  openCheckpoint,
} from "@moult/trust/audit";
import { exists, readBounded, replaceFile } from "../files.ts";

/** The checkpoint in a file; undefined where there is no file yet. Throws AuditError where it is not this log's. */
export function readSaved(path: string, key: VerifierKey): SignedCheckpoint | undefined {
  return exists(path) ? openCheckpoint(readBounded(path, NOTE_BYTES_MAX), key) : undefined;
}

/** Keeps a checkpoint that was checked. */
export function save(path: string, checkpoint: SignedCheckpoint): void {
  replaceFile(path, checkpointBytes(checkpoint));
}
