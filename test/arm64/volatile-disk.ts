/**
 * A disk with a write cache that a power cut takes away. What the machine wrote and did not flush is, at a cut, kept or
 * lost sector by sector as chance has it: lost, torn and out of order, as a real disk may leave it. What it flushed stays.
 */
import { type FileHandle, copyFile, open } from "node:fs/promises";

/** What a disk writes whole or not at all, in bytes. */
export const SECTOR_BYTES = 512;

/** A disk's cache is no larger: beyond this, the oldest writes reach the medium by themselves; in bytes. */
const CACHE_BYTES_MAX = 33_554_432;

interface Write {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What a power cut did. */
export interface Cut {
  /** Sectors that were in the cache. */
  readonly unsynced: number;
  /** Those of them that were lost. */
  readonly lost: number;
}

/** The disk. One machine uses it at a time; operations are carried out in the order they were asked for. */
export class VolatileDisk {
  readonly lengthBytes: number;
  /** What survives a cut. */
  readonly #medium: FileHandle;
  /** What the machine sees. */
  readonly #view: FileHandle;
  #cache: Write[] = [];
  #cachedBytes = 0;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(medium: FileHandle, view: FileHandle, lengthBytes: number) {
    this.#medium = medium;
    this.#view = view;
    this.lengthBytes = lengthBytes;
  }

  /** Opens the disk image `file`; `${file}.view` is made beside it. */
  static async open(file: string): Promise<VolatileDisk> {
    await copyFile(file, `${file}.view`);
    const medium = await open(file, "r+");
    const { size } = await medium.stat();
    return new VolatileDisk(medium, await open(`${file}.view`, "r+"), size);
  }

  read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    return this.#next(async () => (await this.#view.read(Buffer.alloc(lengthBytes), 0, lengthBytes, offset)).buffer);
  }

  /** Into the cache; through it where `durable`. */
  write(offset: number, bytes: Uint8Array, durable: boolean): Promise<void> {
    return this.#next(async () => {
      await this.#view.write(bytes, 0, bytes.length, offset);
      this.#cache.push({ offset, bytes });
      this.#cachedBytes += bytes.length;
      // Bytes that are to be safe must not be overtaken by older ones for the same place.
      await this.#writeBack(durable ? 0 : CACHE_BYTES_MAX);
    });
  }

  /** Resolves once everything written before is safe. */
  flush(): Promise<void> {
    return this.#next(() => this.#writeBack(0));
  }

  /** The power goes. `roll` gives uniform numbers in [0, 1); the share that survives is itself left to chance. */
  cut(roll: () => number): Promise<Cut> {
    return this.#next(async () => {
      const survives = [0, 0.5, 1][Math.floor(roll() * 3)] ?? roll();
      const writes = this.#cache.splice(0);
      this.#cachedBytes = 0;
      let [unsynced, lost] = [0, 0];
      for (const { offset, bytes } of writes) {
        for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
          unsynced += 1;
          if (roll() < survives) await this.#medium.write(bytes, at, SECTOR_BYTES, offset + at);
          else lost += 1;
        }
      }
      // The machine that starts next sees the medium, nothing else.
      for (const { offset, bytes } of writes) {
        const { buffer } = await this.#medium.read(Buffer.alloc(bytes.length), 0, bytes.length, offset);
        await this.#view.write(buffer, 0, buffer.length, offset);
      }
      return { unsynced, lost };
    });
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#medium.close();
    await this.#view.close();
  }

  async #writeBack(leaveBytes: number): Promise<void> {
    while (this.#cachedBytes > leaveBytes) {
      const write = this.#cache.shift();
      if (write === undefined) return;
      this.#cachedBytes -= write.bytes.length;
      await this.#medium.write(write.bytes, 0, write.bytes.length, write.offset);
    }
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}
