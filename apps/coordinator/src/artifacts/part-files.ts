/**
 * Parts on the coordinator's disk, by digest. A part is written under a temporary name, hashed on the way, and gets its
 * own name only when its bytes are durable and its digest is right; so what has a name is whole.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

const DIGEST = /^[0-9a-f]{64}$/;
const TEMPORARY = ".uploading-";

/** How an upload ended. */
export type Upload = "STORED" | "DIGEST_WRONG" | "LENGTH_WRONG" | "DISK_FULL";

/** The parts. */
export class PartFiles {
  readonly #folder: string;

  /** Opens the folder; leftovers of uploads that were cut are removed. */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) if (name.startsWith(TEMPORARY)) rmSync(join(folder, name));
  }

  /** Length in bytes; undefined where the part is not here. */
  length(digest: string): number | undefined {
    if (!DIGEST.test(digest)) return undefined;
    return statSync(join(this.#folder, digest), { throwIfNoEntry: false })?.size;
  }

  /** Bytes from `start` to `end`, both included. */
  read(digest: string, start: number, end: number): Readable {
    return createReadStream(join(this.#folder, digest), { start, end });
  }

  /** Stores a part of exactly `length` bytes. Whatever goes wrong, nothing is left under the part's name. */
  async write(digest: string, length: number, bytes: AsyncIterable<Uint8Array>): Promise<Upload> {
    const temporary = join(this.#folder, `${TEMPORARY}${randomUUID()}`);
    const file = await open(temporary, "wx", 0o644);
    try {
      const outcome = await fill(file, digest, length, bytes);
      await file.close();
      if (outcome === "STORED") {
        await rename(temporary, join(this.#folder, digest));
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

async function fill(
  file: FileHandle,
  digest: string,
  length: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Upload> {
  const hash = createHash("sha256");
  let written = 0;
  for await (const chunk of bytes) {
    written += chunk.length;
    if (written > length) return "LENGTH_WRONG";
    hash.update(chunk);
    await writeWhole(file, chunk);
  }
  if (written !== length) return "LENGTH_WRONG";
  if (hash.digest("hex") !== digest) return "DIGEST_WRONG";
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
