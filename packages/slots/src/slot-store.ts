/**
 * Builds on a device's disk: every part once, slots as trees of further names for the same files, so that an unchanged
 * part is neither fetched nor written again. A slot appears whole or not at all. Only the slot it is told to replace is
 * ever touched; whether that slot may be is the caller's to know.
 */
import { dirname, join } from "node:path";
import { SLOT_NAMES, type SlotName } from "./boot-record.ts";
import { type Disk, DiskError } from "./disk.ts";
import {
  CONTENTS_FILE,
  MANIFEST_FILE,
  OWN_FOLDER,
  SIGNED_FILE,
  type SlotLayout,
  partialDigestOf,
  slotLayout,
} from "./layout.ts";
import { PartWriter } from "./part-writer.ts";
import { type CheckDepth, checkSlot, digestOfFile } from "./slot-check.ts";
import { type PartEntry, type SlotContents, encodeContents, readContents } from "./slot-contents.ts";
import { makeFolders, makeFoldersDurably, removeTree, syncTree, writeNewFile } from "./tree.ts";

/** The documents that stand in a slot beside its parts. */
export interface SlotDocuments {
  /** The manifest's bytes as they were signed. */
  readonly manifest: Uint8Array;
  /** The council's envelope. */
  readonly signed: Uint8Array;
}

/** More than any envelope takes. */
const DOCUMENT_BYTES_MAX = 2_097_152;

/** The store under one device folder. `randomName` gives a name that was never used before. */
export class SlotStore {
  readonly layout: SlotLayout;
  readonly #disk: Disk;
  readonly #randomName: () => string;

  constructor(disk: Disk, root: string, randomName: () => string) {
    this.layout = slotLayout(root);
    this.#disk = disk;
    this.#randomName = randomName;
  }

  /**
   * Makes the folders the store needs, and safe what stands in them. To be called once, before anything else: whoever was
   * killed between giving a slot its name and making the name safe leaves a slot that can be read, run and committed, and
   * that the next power cut would take away. `treeFolders` hold trees that `placeTree` makes: one that was moved aside may
   * only be swept once it is gone from there for good, or a power cut brings its name back and half of what it held.
   */
  async prepare(treeFolders: readonly string[] = []): Promise<void> {
    const { parts, incoming, slots, state } = this.layout;
    for (const folder of [parts, incoming, slots, state, ...treeFolders]) await makeFoldersDurably(this.#disk, folder);
    for (const folder of [parts, slots, ...treeFolders]) await this.#disk.syncFolder(folder);
  }

  /** What the slot holds where it is whole, else undefined. */
  async contents(name: SlotName, depth: CheckDepth = "lengths"): Promise<SlotContents | undefined> {
    const found = await checkSlot(this.#disk, this.layout.slot(name), depth);
    return "contents" in found ? found.contents : undefined;
  }

  /** The slot's documents; undefined where one is missing. */
  async documents(name: SlotName): Promise<SlotDocuments | undefined> {
    const folder = this.layout.slot(name);
    const manifest = await this.#disk.read(join(folder, MANIFEST_FILE), DOCUMENT_BYTES_MAX);
    const signed = await this.#disk.read(join(folder, SIGNED_FILE), DOCUMENT_BYTES_MAX);
    return manifest && signed && { manifest, signed };
  }

  /** Digests of all parts that are in the store. What is in it was verified when it came in, and may have suffered since. */
  async presentParts(): Promise<ReadonlySet<string>> {
    return new Set(await this.#disk.list(this.layout.parts));
  }

  /**
   * Of these parts, the digests of those that are in the store with the right bytes. One that is damaged is removed, so
   * that it is fetched again: a slot built from it would be given up at each start, and built from it again each time.
   */
  async soundParts(parts: readonly PartEntry[]): Promise<ReadonlySet<string>> {
    const present = await this.presentParts();
    const sound = new Set<string>();
    for (const part of parts) {
      if (!present.has(part.digest) || sound.has(part.digest)) continue;
      if (await this.#isSound(part)) sound.add(part.digest);
      else await this.#disk.removeFile(join(this.layout.parts, part.digest));
    }
    return sound;
  }

  /** A place for the bytes of a part that is missing, with what came of it before. One writer a part at a time. */
  async receivePart(part: PartEntry): Promise<PartWriter> {
    const { digest } = part;
    return PartWriter.open(this.#disk, part, this.layout.partial(digest), join(this.layout.parts, digest));
  }

  /** How many bytes of parts that are not whole yet are here, by digest. */
  async partialParts(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const name of await this.#disk.list(this.layout.incoming)) {
      const digest = partialDigestOf(name);
      const entry = digest === undefined ? undefined : await this.#disk.entry(this.layout.partial(digest));
      if (digest !== undefined && entry?.kind === "file") found.set(digest, entry.lengthBytes);
    }
    return found;
  }

  /** Fills `into` from a part that is in the store; returns how many bytes it had, see `Disk.readRange`. */
  async readPart(digest: string, offsetBytes: number, into: Uint8Array): Promise<number> {
    return this.#disk.readRange(join(this.layout.parts, digest), offsetBytes, into);
  }

  /** Replaces the slot by `contents`, all of whose parts must be in the store. The factory's is made, never replaced. */
  async assemble(name: SlotName, contents: SlotContents, documents: SlotDocuments): Promise<void> {
    const fresh = this.#incomingPath();
    await this.#disk.makeFolder(fresh);
    await this.#disk.makeFolder(join(fresh, OWN_FOLDER));
    await this.linkParts(fresh, contents.parts);
    await writeNewFile(this.#disk, join(fresh, MANIFEST_FILE), documents.manifest);
    await writeNewFile(this.#disk, join(fresh, SIGNED_FILE), documents.signed);
    await writeNewFile(this.#disk, join(fresh, CONTENTS_FILE), encodeContents(contents));
    await syncTree(this.#disk, fresh);
    const slot = this.layout.slot(name);
    if ((await this.#disk.entry(slot)) !== undefined) {
      if (name === "factory") throw new DiskError("EXISTS", "The factory slot is never replaced.");
      await this.#removeWhole(slot);
    }
    await this.#disk.rename(fresh, slot);
    await this.#disk.syncFolder(dirname(slot));
  }

  /** Gives parts of the store further names under `folder`, which must exist and hold none of them. */
  async linkParts(folder: string, parts: readonly PartEntry[]): Promise<void> {
    for (const part of parts) {
      const stored = join(this.layout.parts, part.digest);
      if (part.executable) await this.#disk.makeExecutable(stored);
      const path = join(folder, part.path);
      await makeFolders(this.#disk, dirname(path));
      await this.#disk.link(stored, path);
    }
  }

  /** Makes a tree of parts at `folder`, whole or not at all; nothing where it is there. Not for slots. */
  async placeTree(folder: string, parts: readonly PartEntry[]): Promise<void> {
    if ((await this.#disk.entry(folder)) !== undefined) return;
    await makeFoldersDurably(this.#disk, dirname(folder));
    const fresh = this.#incomingPath();
    await this.#disk.makeFolder(fresh);
    await this.linkParts(fresh, parts);
    await syncTree(this.#disk, fresh);
    await this.#disk.rename(fresh, folder);
    await this.#disk.syncFolder(dirname(folder));
  }

  /** Removes a tree that `placeTree` made, whole or not at all; nothing where there is none. Not for slots. */
  async removePlacedTree(folder: string): Promise<void> {
    if ((await this.#disk.entry(folder)) !== undefined) await this.#removeWhole(folder);
  }

  /**
   * Removes what an interrupted or failed staging left behind, but for the beginnings of the parts in `wanted`; `ALL`
   * keeps every beginning. One of a part that is in the store whole goes in any case: a power cut may bring back what was
   * removed. Nothing must be staging meanwhile.
   */
  async sweep(wanted: ReadonlySet<string> | "ALL" = new Set()): Promise<void> {
    const whole = await this.presentParts();
    for (const name of await this.#disk.list(this.layout.incoming)) {
      const digest = partialDigestOf(name);
      const isWanted = digest !== undefined && (wanted === "ALL" || wanted.has(digest));
      if (isWanted && !whole.has(digest)) continue;
      await removeTree(this.#disk, join(this.layout.incoming, name));
    }
  }

  /** Removes parts that no slot names. A slot whose contents cannot be read keeps everything from being removed. */
  async dropUnusedParts(): Promise<void> {
    const used = new Set<string>();
    for (const name of SLOT_NAMES) {
      const folder = this.layout.slot(name);
      const contents = await readContents(this.#disk, join(folder, CONTENTS_FILE));
      if (contents === undefined && (await this.#disk.entry(folder)) !== undefined) return;
      for (const part of contents?.parts ?? []) used.add(part.digest);
    }
    for (const digest of await this.presentParts()) {
      if (!used.has(digest)) await this.#disk.removeFile(join(this.layout.parts, digest));
    }
  }

  async #isSound(part: PartEntry): Promise<boolean> {
    const path = join(this.layout.parts, part.digest);
    const entry = await this.#disk.entry(path);
    if (entry?.kind !== "file" || entry.lengthBytes !== part.lengthBytes) return false;
    return (await digestOfFile(this.#disk, path)) === part.digest;
  }

  /** Moved aside first, so that there is never half a slot, or half a tree, under its name. */
  async #removeWhole(folder: string): Promise<void> {
    const aside = this.#incomingPath();
    await this.#disk.rename(folder, aside);
    await this.#disk.syncFolder(dirname(folder));
    await removeTree(this.#disk, aside);
  }

  #incomingPath(): string {
    return join(this.layout.incoming, this.#randomName());
  }
}
