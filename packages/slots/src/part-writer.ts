/**
 * Takes the bytes of one part as they come and lets it into the store only when length and digest are right. Until then
 * it has a random name that nothing refers to.
 */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import type { Disk, OpenFile } from "./disk.ts";
import type { PartEntry } from "./slot-contents.ts";

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

/** A part on its way in. End it with `finish` or `discard`. */
export class PartWriter {
  readonly #disk: Disk;
  readonly #part: PartEntry;
  readonly #path: string;
  readonly #target: string;
  readonly #file: OpenFile;
  readonly #hash = createHash("sha256");
  #receivedBytes = 0;

  private constructor(disk: Disk, part: PartEntry, path: string, target: string, file: OpenFile) {
    this.#disk = disk;
    this.#part = part;
    this.#path = path;
    this.#target = target;
    this.#file = file;
  }

  static async open(disk: Disk, part: PartEntry, path: string, target: string): Promise<PartWriter> {
    const file = await disk.create(path, part.executable ? "executable" : "plain");
    return new PartWriter(disk, part, path, target, file);
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

  /** Gives the part up and frees its space. */
  async discard(): Promise<void> {
    await this.#file.close();
    await this.#disk.removeFile(this.#path);
  }
}
