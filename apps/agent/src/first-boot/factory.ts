/**
 * Makes the image's read-only factory build the factory slot of a device's folder: by a symbolic link, so that nothing
 * the device does can alter it, and by taking a verified copy of each of its parts into the store, so that an update
 * which shares the runtime does not fetch it. See docs/decisions/0014.
 */
import { lstat, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CONTENTS_FILE, type Disk, type SlotStore, readContents } from "@moult/slots";

/** What is there now. */
export interface FactoryMade {
  /** The slot was linked now. */
  readonly linked: boolean;
  /** Parts that were copied now. */
  readonly partsCopied: number;
}

/** The image's factory folder holds no build that could be read. */
export class FactoryUnreadable extends Error {
  readonly code = "FACTORY_UNREADABLE";

  constructor(folder: string) {
    super(`${folder} holds no readable build; the device has to be flashed again.`);
    this.name = "FactoryUnreadable";
  }
}

/**
 * Does what is missing, in an order that a power cut may fall into anywhere: the slot first, for it is what the launcher
 * needs. No agent must run meanwhile. Throws DiskError, PartError or FactoryUnreadable.
 */
export async function makeFactorySlot(disk: Disk, store: SlotStore, image: string): Promise<FactoryMade> {
  const contents = await readContents(disk, join(image, CONTENTS_FILE));
  if (contents === undefined) throw new FactoryUnreadable(image);
  await store.prepare();
  const linked = await linkSlot(disk, image, store.layout.slot("factory"));
  const present = new Set(await store.presentParts());
  // What an earlier boot left half copied takes the space that is needed now.
  if (contents.parts.some(({ digest }) => !present.has(digest))) await store.sweep();
  let partsCopied = 0;
  for (const part of contents.parts) {
    if (present.has(part.digest)) continue;
    present.add(part.digest);
    const writer = await store.receivePart(part);
    try {
      for await (const piece of disk.readPieces(join(image, part.path))) await writer.write(piece);
    } catch (error) {
      await writer.discard();
      throw error;
    }
    await writer.finish();
    partsCopied += 1;
  }
  return { linked, partsCopied };
}

/** A factory slot that is there stays, whatever it is: the factory's build is never replaced. */
async function linkSlot(disk: Disk, image: string, slot: string): Promise<boolean> {
  try {
    await lstat(slot);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  await symlink(image, slot, "dir");
  await disk.syncFolder(dirname(slot));
  return true;
}
