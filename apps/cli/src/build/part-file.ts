/** Reads parts from disk in a stream: to learn their digest, and to copy them on the way. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, link, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { usageError } from "../errors.ts";
import { exists } from "../files.ts";
import type { PartContent } from "./input.ts";

/** What one read takes, in bytes: few enough steps for a runtime of 150 MB, and little memory. */
const CHUNK_BYTES = 262_144;

/** Learns how many more bytes were read. */
export type OnBytes = (count: number) => void;

/** The file's length in bytes. Throws CliError USAGE where it is no regular file. */
export async function fileLength(path: string): Promise<number> {
  const found = await stat(path);
  if (!found.isFile()) throw usageError(`${path} is not a file.`);
  return found.size;
}

/** The file's digest and length. */
export async function readPart(path: string, onBytes: OnBytes): Promise<PartContent> {
  const meter = new Meter(onBytes);
  await pipeline(
    createReadStream(path, { highWaterMark: CHUNK_BYTES }),
    meter,
    async (source: AsyncIterable<unknown>) => {
      for await (const _ of source);
    },
  );
  return meter.content();
}

/** Copies the file into the folder under its digest, which it learns on the way. */
export async function copyPart(
  path: string,
  folder: string,
  temporaryName: string,
  onBytes: OnBytes,
): Promise<PartContent> {
  const temporary = join(folder, temporaryName);
  const meter = new Meter(onBytes);
  try {
    await pipeline(
      createReadStream(path, { highWaterMark: CHUNK_BYTES }),
      meter,
      createWriteStream(temporary, { mode: 0o644, highWaterMark: CHUNK_BYTES }),
    );
    const content = meter.content();
    await rename(temporary, join(folder, content.digest));
    return content;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Gives the file a second name in the folder, its digest; copies it where the disk cannot. */
export async function linkPart(
  path: string,
  folder: string,
  temporaryName: string,
  onBytes: OnBytes,
): Promise<PartContent> {
  const content = await readPart(path, onBytes);
  const target = join(folder, content.digest);
  if (exists(target)) return content;
  const temporary = join(folder, temporaryName);
  try {
    await link(path, temporary);
  } catch (error) {
    // Another disk, or one that knows no links.
    if (!isErrno(error, ["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"])) throw error;
    await copyFile(path, temporary);
  }
  await rename(temporary, target);
  return content;
}

function isErrno(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(error.code);
}

/** Lets bytes through and remembers their digest and number. */
class Meter extends Transform {
  readonly #hash = createHash("sha256");
  readonly #onBytes: OnBytes;
  #lengthBytes = 0;

  constructor(onBytes: OnBytes) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#onBytes = onBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#lengthBytes += chunk.length;
    this.#onBytes(chunk.length);
    done(null, chunk);
  }

  /** Once everything went through. */
  content(): PartContent {
    return { digest: this.#hash.digest("hex"), lengthBytes: this.#lengthBytes };
  }
}
