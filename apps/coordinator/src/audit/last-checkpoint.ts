/**
 * What was signed last, in a file beside the store, and what was signed last under each name that the log had before, in
 * another. A store that was brought back from a backup does not know what was signed after it; these files do, unless the
 * whole folder was brought back, and then the witnesses do.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AuditError,
  type Checkpoint,
  type SignedCheckpoint,
  type VerifierKey,
  checkpointBytes,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
} from "@moult/trust/audit";
import { writeWhole } from "../identity/secret-file.ts";
import { StoreError } from "../store/port.ts";

/** The file. */
export interface LastCheckpoint {
  /** The largest that was signed under the log's name; undefined before the first. Throws StoreError UNREADABLE. */
  readonly read: () => SignedCheckpoint | undefined;
  /** Durable when it returns; what was signed under another name is kept as well. Throws StoreError UNREADABLE. */
  readonly write: (checkpoint: SignedCheckpoint) => void;
}

/** The file in `folder`, for the log of `key`. */
export function lastCheckpointIn(folder: string, key: VerifierKey): LastCheckpoint {
  const paths = pathsIn(folder);
  const all = (): readonly [bytes: Uint8Array, path: string][] => [
    ...notesIn(paths.last).map((note): [Uint8Array, string] => [Buffer.from(note), paths.last]),
    ...notesIn(paths.former).map((note): [Uint8Array, string] => [Buffer.from(note), paths.former]),
  ];
  // Nobody else writes the folder while this log is kept.
  let isOwn = false;
  return {
    read: () =>
      all()
        .flatMap(([bytes, path]) => openOwn(bytes, key, path) ?? [])
        .toSorted((a, b) => b.size - a.size)[0],
    write(checkpoint) {
      if (!isOwn) keepFormer(folder, key.name);
      writeWhole(paths.last, checkpointBytes(checkpoint));
      isOwn = true;
    },
  };
}

/** What the log signed, as the folder remembers it: by the name that it has, and by those that it had. */
export interface SignedBefore {
  /** Under the name that signed last. */
  readonly last: Checkpoint | undefined;
  /** The largest of each other name. */
  readonly former: readonly Checkpoint[];
}

/** All that `folder` remembers, whatever the log's name was. Throws StoreError UNREADABLE. */
export function signedBefore(folder: string): SignedBefore {
  const paths = pathsIn(folder);
  const [last] = notesIn(paths.last).map((note) => readAny(note, paths.last));
  const former = notesIn(paths.former).map((note) => readAny(note, paths.former));
  return { last, former: former.filter(({ origin }) => origin !== last?.origin) };
}

function pathsIn(folder: string): { readonly last: string; readonly former: string } {
  return { last: join(folder, "last-checkpoint"), former: join(folder, "former-checkpoints") };
}

/** Before the last checkpoint is overwritten under another name, it is put beside those of the names before. */
function keepFormer(folder: string, name: string): void {
  const { last, former } = pathsIn(folder);
  const [note] = notesIn(last);
  if (note === undefined) return;
  const { origin, size } = readAny(note, last);
  if (origin === name) return;
  const kept = notesIn(former).map((text) => ({ text, checkpoint: readAny(text, former) }));
  if (kept.some(({ checkpoint }) => checkpoint.origin === origin && checkpoint.size >= size)) return;
  const others = kept.filter(({ checkpoint }) => checkpoint.origin !== origin).map(({ text }) => text);
  writeWhole(former, [...others, note].join("\n"));
}

/** A file's notes, which stand one after another with an empty line between. None where there is no file. */
function notesIn(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  // The empty line within a note has a signature after it.
  const notes = readFileSync(path, "utf8").split(/\n\n(?!\u2014 )/);
  return notes.map((note, n) => (n < notes.length - 1 ? `${note}\n` : note));
}

/** By whatever key it was signed: the log may have got a new key with its new name, and the folder is its own. */
function readAny(note: string, path: string): Checkpoint {
  try {
    return parseCheckpoint(parseNote(Buffer.from(note)).unverifiedText);
  } catch (cause) {
    if (!(cause instanceof AuditError)) throw cause;
    throw new StoreError("UNREADABLE", `${path} holds no checkpoint: ${cause.message}`, { cause });
  }
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
