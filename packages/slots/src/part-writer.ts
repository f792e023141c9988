/**
 * Takes the bytes of one part as they come and lets it into the store only when length and digest are right. Until then
 * it has a name in `incoming` that nothing refers to. What came stays there when the writer, the agent or the power goes,
 * and the next writer goes on behind it. Nothing that lay there is believed: a power cut may have left other bytes than
 * were written, so the digest is taken over what the disk gives back.
 */
import { type Hash, createHash } from "node:crypto";
import { dirname } from "node:path";
import type { Disk, OpenFile } from "./disk.ts";
import type { PartEntry } from "./slot-contents.ts";
import { removeTree } from "./tree.ts";

/** Why bytes were not let in. */
export type PartErrorCode =
  /** More bytes than the manifest says. */
  | "TOO_LONG"
  /** Fewer bytes than the manifest says. */
  | "TOO_SHORT"
  /** The right number of other bytes. */
  | "DIGEST_WRONG";

/** Bytes that are not the part they were to be. */
export class PartError extends Error {
  readonly code: PartErrorCode;

  constructor(code: PartErrorCode, message: string) {
    super(message);
    this.name = "PartError";
    this.code = code;
  }
}

interface Found {
  readonly file: OpenFile;
  readonly hash: Hash;
  readonly lengthBytes: number;
}

/** A part on its way in. End it with `finish`, `suspend` or `discard`. */
export class PartWriter {
  readonly #disk: Disk;
  readonly #part: PartEntry;
  readonly #path: string;
  readonly #target: string;
  readonly #file: OpenFile;
  readonly #hash: Hash;
  #receivedBytes = 0;
  /** Bytes that an earlier writer left. */
  readonly foundBytes: number;

  private constructor(disk: Disk, part: PartEntry, path: string, target: string, found: Found) {
    this.#disk = disk;
    this.#part = part;
    this.#path = path;
    this.#target = target;
    this.#file = found.file;
    this.#hash = found.hash;
    this.#receivedBytes = found.lengthBytes;
    this.foundBytes = found.lengthBytes;
  }

  /** Goes on where an earlier writer at `path` ended, or begins. What is too long to be the part is dropped. */
  static async open(disk: Disk, part: PartEntry, path: string, target: string): Promise<PartWriter> {
    const entry = await disk.entry(path);
    if (entry !== undefined && (entry.kind !== "file" || entry.lengthBytes > part.lengthBytes)) {
      await removeTree(disk, path);
    } else if (entry !== undefined) {
      return new PartWriter(disk, part, path, target, await findIn(disk, path));
    }
    const file = await disk.create(path, part.executable ? "executable" : "plain");
    return new PartWriter(disk, part, path, target, { file, hash: createHash("sha256"), lengthBytes: 0 });
  }

  /** Bytes taken in so far: where a source is to go on. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Throws PartError TOO_LONG before anything beyond the part's length is written. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#receivedBytes + bytes.length > this.#part.lengthBytes) {
      throw new PartError("TOO_LONG", `Part ${this.#part.path} has more than its ${this.#part.lengthBytes} bytes.`);
    }
    this.#hash.update(bytes);
    await this.#file.write(bytes);
    this.#receivedBytes += bytes.length;
  }

  /** Lets the part in, safe against a power cut. Throws PartError TOO_SHORT or DIGEST_WRONG, and then removes it. */
  async finish(): Promise<void> {
    const { path, digest, lengthBytes } = this.#part;
    try {
      if (this.#receivedBytes !== lengthBytes) {
        throw new PartError("TOO_SHORT", `Part ${path} has ${this.#receivedBytes} of its ${lengthBytes} bytes.`);
      }
      if (this.#hash.digest("hex") !== digest) {
        throw new PartError("DIGEST_WRONG", `Part ${path} is not the one whose digest begins ${digest.slice(0, 12)}.`);
      }
      await this.#file.sync();
      await this.#file.close();
      await this.#disk.rename(this.#path, this.#target);
      await this.#disk.syncFolder(dirname(this.#target));
    } catch (error) {
      await this.discard();
      throw error;
    }
  }

  /** Leaves what came for a later writer. */
  async suspend(): Promise<void> {
    if (this.#receivedBytes === 0) await this.discard();
    else await this.#file.close();
  }

  /** Gives the part up and frees its space. */
  async discard(): Promise<void> {
    await this.#file.close();
    await this.#disk.removeFile(this.#path);
  }
}

/** Reads what lies there, byte by byte, and opens it at its end. */
async function findIn(disk: Disk, path: string): Promise<Found> {
  const hash = createHash("sha256");
  let lengthBytes = 0;
  for await (const piece of disk.readPieces(path)) {
    hash.update(piece);
    lengthBytes += piece.length;
  }
  return { file: await disk.resume(path), hash, lengthBytes };
}
