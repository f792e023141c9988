/**
 * The metadata files that are published, as they were signed, and which of them are kept: every root, because a device may
 * come from any of them, and the newest two of each other role, because a device may be in the middle of a refresh when a
 * newer one comes. It verifies nothing.
 */
import type { MetadataFile, MetadataRole, StoreChange } from "../store/port.ts";

const KEPT: Readonly<Record<MetadataRole, number>> = {
  root: Number.POSITIVE_INFINITY,
  targets: 2,
  snapshot: 2,
  timestamp: 2,
};

/** Files in the order in which they were published. Never changes; `adding` makes another. */
export class PublishedFiles {
  readonly #files: readonly MetadataFile[];

  constructor(files: readonly MetadataFile[]) {
    this.#files = files;
  }

  /** The file of that version; undefined where it is not here. */
  get(role: MetadataRole, version: number): MetadataFile | undefined {
    return this.#files.find((file) => file.role === role && file.version === version);
  }

  /** The root of the highest version, or the file of another role that was published last. */
  newest(role: MetadataRole): MetadataFile | undefined {
    // Not by version: after a key was lost or taken, versions of its role may begin anew.
    if (role !== "root") return this.#files.findLast((file) => file.role === role);
    return this.roots().at(-1);
  }

  /** Every root, the lowest version first. */
  roots(): readonly MetadataFile[] {
    return this.#files.filter((file) => file.role === "root").sort((a, b) => a.version - b.version);
  }

  /** These and newer ones, which were verified; and what that is in the store. */
  adding(added: readonly MetadataFile[]): { readonly files: PublishedFiles; readonly changes: readonly StoreChange[] } {
    const isAdded = (file: MetadataFile): boolean =>
      added.some(({ role, version }) => role === file.role && version === file.version);
    const all = [...this.#files.filter((file) => !isAdded(file)), ...added];
    const dropped = (Object.keys(KEPT) as MetadataRole[]).flatMap((role) => {
      const ofRole = all.filter((file) => file.role === role);
      return ofRole.slice(0, Math.max(0, ofRole.length - KEPT[role]));
    });
    return {
      files: new PublishedFiles(all.filter((file) => !dropped.includes(file))),
      changes: [
        ...added.map((file) => ({ kind: "metadata" as const, file })),
        ...dropped.map(({ role, version }) => ({ kind: "metadata-dropped" as const, file: { role, version } })),
      ],
    };
  }
}
