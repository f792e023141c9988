/** The machine's durable part as one small file, replaced at once or not at all. */
import { dirname, join } from "node:path";
import { type Disk, DiskError } from "@moult/slots";
import { DURABLE_BYTES_MAX, type Durable, NOTHING_DURABLE, decodeDurable, encodeDurable } from "../update/durable.ts";

/** Reads and writes the file at one path. */
export class StateFile {
  readonly #disk: Disk;
  readonly #path: string;
  #stored: Uint8Array | undefined;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** What was kept; nothing where there is no file. `damaged` says that there is one which cannot be read. */
  async read(): Promise<{ readonly durable: Durable; readonly damaged: boolean }> {
    try {
      const bytes = await this.#disk.read(this.#path, DURABLE_BYTES_MAX);
      if (bytes === undefined) return { durable: NOTHING_DURABLE, damaged: false };
      const durable = decodeDurable(bytes);
      if (durable === undefined) return { durable: NOTHING_DURABLE, damaged: true };
      if (await this.#settle()) this.#stored = bytes;
      return { durable, damaged: false };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return { durable: NOTHING_DURABLE, damaged: true };
    }
  }

  /** The agent that gave the file its name may have been killed before the name was safe. False where it cannot be made so. */
  async #settle(): Promise<boolean> {
    try {
      await this.#disk.syncFolder(dirname(this.#path));
      return true;
    } catch (error) {
      // The state was read all the same; the next write does not take it for stored.
      if (error instanceof DiskError) return false;
      throw error;
    }
  }

  /** Returns once it is safe. What is stored already is not written again. */
  async write(durable: Durable): Promise<void> {
    const bytes = encodeDurable(durable);
    if (this.#stored !== undefined && Buffer.compare(this.#stored, bytes) === 0) return;
    const folder = dirname(this.#path);
    const aside = join(folder, ".agent-new");
    await this.#disk.removeFile(aside);
    const file = await this.#disk.create(aside, "plain");
    try {
      await file.write(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(aside, this.#path);
    await this.#disk.syncFolder(folder);
    this.#stored = bytes;
  }
}
