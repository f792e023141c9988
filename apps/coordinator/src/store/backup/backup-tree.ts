/** The audit tree as a backup holds it, so that it can be held against what was signed before anything is restored. */
import { StoreError } from "../port.ts";
import type { TreeStore } from "../tree.ts";
import type { TableRow } from "./file.ts";

/** Collects what of a backup's rows the tree is made of. */
export class BackupTree {
  readonly #tiles = new Map<string, Uint8Array>();
  #size = 0;
  #checkpoint: Uint8Array | undefined;

  readonly visit = ({ table, row }: TableRow): void => {
    if (table === "tree_state") {
      this.#size = Number(row["size"]);
      this.#checkpoint = row["checkpoint"] === null ? undefined : Buffer.from(String(row["checkpoint"]), "base64");
    }
    if (table !== "tree_tiles") return;
    this.#tiles.set(`${row["level"]}/${row["tile_index"]}`, Buffer.from(String(row["hashes"]), "base64"));
  };

  /** Leaves that have their place. */
  get size(): number {
    return this.#size;
  }

  /** The last checkpoint that it holds, as its note; undefined before the first. */
  get checkpoint(): Uint8Array | undefined {
    return this.#checkpoint;
  }

  /** As a tree that can be read and taken over, and grows no further. */
  get store(): TreeStore {
    const refuse = async (): Promise<never> => {
      throw new StoreError("UNWRITABLE", "a backup is read, never written");
    };
    return {
      claim: async () => ({ epoch: 0, size: this.#size, checkpoint: this.#checkpoint }),
      tile: async (level, index) => this.#tiles.get(`${level}/${index}`),
      unplaced: async () => [],
      grow: refuse,
      keepCheckpoint: refuse,
      entries: refuse,
      body: refuse,
    };
  }
}
