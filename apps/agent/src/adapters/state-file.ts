/** The machine's durable part as one small file, replaced at once or not at all. */
import { dirname, join } from "node:path";
import { type Disk, DiskError } from "@moult/slots";
import type { TimeFloor } from "@moult/trust";
import { DURABLE_BYTES_MAX, type Durable, NOTHING_DURABLE, decodeDurable, encodeDurable } from "../update/durable.ts";

/** The time floor that goes along with what is written. */
export interface TimeToKeep {
  readonly floor: TimeFloor;
  /** The slow T. */
  readonly slow?: TimeFloor;
  /** So much has happened to it that it is worth a write of its own. */
  readonly due: boolean;
  /** Called once it is safe. */
  readonly kept: () => void;
}

/** Reads and writes the file at one path. */
export class StateFile {
  readonly #disk: Disk;
  readonly #path: string;
  /** What is stored, without the time. */
  #stored: Uint8Array | undefined;
  /** The same, as far as it is known. */
  #core: Durable = NOTHING_DURABLE;

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
      const { time: _, slowTime: _slow, ...core } = durable;
      this.#core = core;
      if (await this.#settle()) this.#stored = encodeDurable(core);
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

  /** Returns once it is safe. What is stored already is not written again; a `time` alone is news only if it is `due`. */
  async write(durable: Durable, time?: TimeToKeep): Promise<void> {
    const core = encodeDurable(durable);
    const same = this.#stored !== undefined && Buffer.compare(this.#stored, core) === 0;
    if (same && time?.due !== true) return;
    const bytes =
      time === undefined
        ? core
        : encodeDurable({ ...durable, time: time.floor, ...(time.slow && { slowTime: time.slow }) });
    await this.#replace(bytes);
    this.#stored = core;
    this.#core = durable;
    time?.kept();
  }

  /** Keeps the time where it is due, beside what is stored already: a move that was interrupted stays on the disk. */
  async keepTime(time: TimeToKeep): Promise<void> {
    if (time.due) await this.write(this.#core, time);
  }

  /** Forgets moves, denials and outcomes. How late it is no reset makes undone. Safe to repeat. Throws DiskError. */
  async forgetAllButTime(): Promise<void> {
    const { durable } = await this.read();
    const { time, slowTime } = durable;
    if (time === undefined) await this.#disk.removeFile(this.#path);
    else await this.#replace(encodeDurable({ ...NOTHING_DURABLE, time, ...(slowTime && { slowTime }) }));
  }

  async #replace(bytes: Uint8Array): Promise<void> {
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
  }
}
