/** Files that the artifact endpoint serves and takes, by name; and the one way in which a file gets its name. */
import { randomUUID } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

const TEMPORARY = ".uploading-";

/** How an upload ended. */
export type Upload =
  | "STORED"
  /** The bytes do not have the digest they were named by. */
  | "DIGEST_WRONG"
  /** More or fewer bytes than were promised. */
  | "LENGTH_WRONG"
  /** The bytes are no delta, or one between other parts. */
  | "DELTA_WRONG"
  /** The part that the delta makes is not here. */
  | "PART_MISSING"
  | "DISK_FULL";

/** Looks at the bytes of an upload as they come. */
export interface Judge {
  readonly take: (piece: Uint8Array) => void;
  /** Undefined where they are what they have to be; asked once, at the end. */
  readonly flaw: () => Upload | undefined;
}

/** Files of one kind in one folder. A file is written under a temporary name and judged on the way; what has a name is whole. */
export abstract class Shelf {
  readonly #folder: string;
  readonly #name: RegExp;

  /** Opens the folder; leftovers of uploads that were cut are removed. */
  constructor(folder: string, name: RegExp) {
    this.#folder = folder;
    this.#name = name;
    mkdirSync(folder, { recursive: true });
    for (const file of readdirSync(folder)) if (file.startsWith(TEMPORARY)) rmSync(join(folder, file));
  }

  /** Length in bytes; undefined where it is not here. */
  length(name: string): number | undefined {
    if (!this.#name.test(name)) return undefined;
    return statSync(join(this.#folder, name), { throwIfNoEntry: false })?.size;
  }

  /** Bytes from `start` to `end`, both included. */
  read(name: string, start: number, end: number): Readable {
    return createReadStream(join(this.#folder, name), { start, end });
  }

  /** Stores exactly `length` bytes. Whatever goes wrong, nothing is left under the name. */
  abstract write(name: string, length: number, bytes: AsyncIterable<Uint8Array>): Promise<Upload>;

  protected async store(name: string, length: number, bytes: AsyncIterable<Uint8Array>, judge: Judge): Promise<Upload> {
    const temporary = join(this.#folder, `${TEMPORARY}${randomUUID()}`);
    const file = await open(temporary, "wx", 0o644);
    try {
      const outcome = await fill(file, length, bytes, judge);
      await file.close();
      if (outcome === "STORED") {
        await rename(temporary, join(this.#folder, name));
        await syncFolder(this.#folder);
      }
      return outcome;
    } catch (error) {
      await file.close().catch(() => undefined);
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return "DISK_FULL";
      throw error;
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

async function fill(file: FileHandle, length: number, bytes: AsyncIterable<Uint8Array>, judge: Judge): Promise<Upload> {
  let written = 0;
  for await (const chunk of bytes) {
    written += chunk.length;
    if (written > length) return "LENGTH_WRONG";
    judge.take(chunk);
    await writeWhole(file, chunk);
  }
  if (written !== length) return "LENGTH_WRONG";
  const flaw = judge.flaw();
  if (flaw !== undefined) return flaw;
  await file.sync();
  return "STORED";
}

/** A disk that is nearly full takes less than it was given, and says so only in the count. */
async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk, at)).bytesWritten;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
