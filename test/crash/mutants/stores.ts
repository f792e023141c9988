/** Slot stores with a defence taken out. */
import { join } from "node:path";
import {
  type Disk,
  type PartEntry,
  type PartWriter,
  type SlotContents,
  type SlotDocuments,
  type SlotName,
  SlotStore,
  makeFolders,
  removeTree,
} from "@moult/slots";
import { ROOT } from "../world/settings.ts";

/** Lets in whatever arrives. */
export class CredulousStore extends SlotStore {
  readonly #disk: Disk;
  readonly #randomName: () => string;

  constructor(disk: Disk, randomName: () => string) {
    super(disk, ROOT, randomName);
    this.#disk = disk;
    this.#randomName = randomName;
  }

  override async receivePart(part: PartEntry): Promise<PartWriter> {
    const path = join(this.layout.incoming, this.#randomName());
    const file = await this.#disk.create(path, part.executable ? "executable" : "plain");
    let receivedBytes = 0;
    const writer = {
      get receivedBytes() {
        return receivedBytes;
      },
      write: async (bytes: Uint8Array) => {
        receivedBytes += bytes.length;
        await file.write(bytes);
      },
      finish: async () => {
        await file.sync();
        await this.#disk.rename(path, join(this.layout.parts, part.digest));
        await this.#disk.syncFolder(this.layout.parts);
      },
      discard: async () => this.#disk.removeFile(path),
    };
    return writer as unknown as PartWriter;
  }
}

/** Replaces the slot that runs instead of the other one. */
export class ConfusedStore extends SlotStore {
  constructor(disk: Disk, randomName: () => string) {
    super(disk, ROOT, randomName);
  }

  override async assemble(name: SlotName, contents: SlotContents, documents: SlotDocuments): Promise<void> {
    const other = name === "a" ? "b" : name === "b" ? "a" : name;
    await super.assemble(other, contents, documents);
  }
}

/** Takes the names it finds for safe, whoever gave them. */
export class TrustingStore extends SlotStore {
  readonly #disk: Disk;

  constructor(disk: Disk, randomName: () => string) {
    super(disk, ROOT, randomName);
    this.#disk = disk;
  }

  override async prepare(): Promise<void> {
    const { parts, incoming, slots, state } = this.layout;
    for (const folder of [parts, incoming, slots, state]) await makeFolders(this.#disk, folder);
  }
}

/** Removes a workload's tree file by file under its name. */
export class HastyStore extends SlotStore {
  readonly #disk: Disk;

  constructor(disk: Disk, randomName: () => string) {
    super(disk, ROOT, randomName);
    this.#disk = disk;
  }

  override async removePlacedTree(folder: string): Promise<void> {
    await removeTree(this.#disk, folder);
  }
}
