/** Checkpoints (C2SP tlog-checkpoint): which log, how many leaves, which root, signed by the log as a note. */
import { fromBase64, toBase64 } from "../encoding.ts";
import { AuditError } from "./errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { type Note, type VerifierKey, openNote, parseNote, signNote } from "./note.ts";

/** A tree at one size. */
export interface Checkpoint {
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  readonly root: Uint8Array;
  /** Lines that the log adds; a log of Moult adds none. */
  readonly extensions: readonly string[];
}

/** A checkpoint whose log signed it, with the note it stands in. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: Note;
}

const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/** The checkpoint's text. */
export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  return [origin, String(size), toBase64(root), ...extensions, ""].join("\n");
}

/** Reads a checkpoint's text, which somebody signed. Throws AuditError CHECKPOINT_INVALID. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", sizeText = "", rootText = "", ...rest] = text.split("\n");
  const extensions = rest.slice(0, -1);
  const root = fromBase64(rootText);
  const size = SIZE.test(sizeText) ? Number(sizeText) : Number.NaN;
  if (origin === "" || rest.at(-1) !== "" || extensions.includes("")) throw invalid("is not lines of text");
  if (!Number.isSafeInteger(size)) throw invalid("has a size that is no number of leaves");
  if (root?.length !== HASH_BYTES) throw invalid("has a root that is no hash");
  return { origin, size, root, extensions };
}

/** The log that a checkpoint says it is of, for choosing the key to check it with. */
export function unverifiedOrigin(note: Note): string {
  return note.unverifiedText.slice(0, note.unverifiedText.indexOf("\n"));
}

/** Signs a checkpoint as the log whose name is the origin. */
export function signCheckpoint(checkpoint: Checkpoint, privateKey: Uint8Array): SignedCheckpoint {
  const unverifiedText = formatCheckpoint(checkpoint);
  const signatures = [signNote(unverifiedText, checkpoint.origin, privateKey)];
  return { ...checkpoint, note: { unverifiedText, signatures } };
}

/**
 * The checkpoint in `bytes`, once the log of `key` is found to have signed it. Throws AuditError NOTE_INVALID,
 * SIGNATURE_INVALID or CHECKPOINT_INVALID.
 */
export function openCheckpoint(bytes: Uint8Array, key: VerifierKey): SignedCheckpoint {
  const note = parseNote(bytes);
  const checkpoint = parseCheckpoint(openNote(note, key));
  if (checkpoint.origin !== key.name) throw invalid(`is of another log than ${key.name}`);
  return { ...checkpoint, note };
}

function invalid(message: string): AuditError {
  return new AuditError("CHECKPOINT_INVALID", `The checkpoint ${message}.`);
}
