/**
 * The two files of the boot record on a disk. Writing always goes to the file that does not hold the newest record, so
 * that the newest is never at risk. One process writes at a time: the launcher while no agent runs, else the agent.
 */
import { join } from "node:path";
import {
  BOOT_RECORD_BYTES_MAX,
  type BootRecord,
  type NumberedRecord,
  chooseBootRecord,
  decodeBootRecord,
  encodeBootRecord,
} from "./boot-record.ts";
import { type Disk, DiskError } from "./disk.ts";

const FILES = ["boot-0", "boot-1"] as const;

/** Reads and writes the boot record in `folder`, which must exist. */
export class BootRecordFiles {
  readonly #disk: Disk;
  readonly #folder: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /** The newest whole record; undefined where there is none. Whether it is safe, `settle` sees to. */
  async read(): Promise<BootRecord | undefined> {
    return (await this.#choose())?.newest.record;
  }

  /** Returns once the record is what any later `read` returns, also after a power cut. */
  async write(record: BootRecord): Promise<void> {
    const chosen = await this.#choose();
    const place = chosen === undefined ? 0 : chosen.place === 0 ? 1 : 0;
    const path = join(this.#folder, FILES[place]);
    const sequence = (chosen?.newest.sequence ?? 0) + 1;
    const file = await this.#disk.rewrite(path, "plain");
    try {
      await file.write(encodeBootRecord({ sequence, record }));
      await file.sync();
    } finally {
      await file.close();
    }
    // Also where the file was there before: whoever made it may have been killed before its name was safe.
    await this.#disk.syncFolder(this.#folder);
  }

  /**
   * Returns once what `read` returns is what it returns after a power cut too. To be called by each process before it acts
   * on the record: one that was killed may have left a record that is only cached. Writes nothing.
   */
  async settle(): Promise<void> {
    for (const name of FILES) {
      const path = join(this.#folder, name);
      if ((await this.#disk.entry(path))?.kind === "file") await this.#disk.syncFile(path);
    }
    await this.#disk.syncFolder(this.#folder);
  }

  async #choose(): Promise<ReturnType<typeof chooseBootRecord>> {
    return chooseBootRecord([await this.#readOne(FILES[0]), await this.#readOne(FILES[1])]);
  }

  /** A file that cannot be read counts as torn: the other one is what the two are for. */
  async #readOne(name: string): Promise<NumberedRecord | undefined> {
    try {
      const bytes = await this.#disk.read(join(this.#folder, name), BOOT_RECORD_BYTES_MAX);
      return bytes && decodeBootRecord(bytes);
    } catch (error) {
      if (error instanceof DiskError) return undefined;
      throw error;
    }
  }
}
