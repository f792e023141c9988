/** Files as the command reads and writes them: bounded on the way in, whole or not at all on the way out. */
import { closeSync, fsyncSync, openSync, readSync, renameSync, statSync, unlinkSync, writeSync } from "node:fs";
import { usageError } from "./errors.ts";

/** The file's bytes; refuses more than `bytesMax`. */
export function readBounded(path: string, bytesMax: number): Uint8Array {
  const stat = statSync(path);
  if (stat.isDirectory()) throw usageError(`${path} is a folder, not a file.`);
  const file = openSync(path, "r");
  try {
    // Read up to one byte more than is allowed: a pipe has no size, and a file may grow.
    const buffer = new Uint8Array(bytesMax + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (length > bytesMax) throw usageError(`${path} is too large: more than ${bytesMax} bytes.`);
      if (read === 0) return buffer.slice(0, length);
    }
  } finally {
    closeSync(file);
  }
}

/** Whether something is there. */
export function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Whether a folder is there. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Makes a new file; refuses one that is there. */
export function writeNew(path: string, bytes: Uint8Array, mode: number): void {
  const file = openSync(path, "wx", mode);
  try {
    writeAll(file, bytes);
  } finally {
    closeSync(file);
  }
}

/** Replaces a file: readers see the old bytes or the new ones, also after a power cut. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, "w", 0o644);
  try {
    writeAll(file, bytes);
    renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  fsyncSync(file);
}
