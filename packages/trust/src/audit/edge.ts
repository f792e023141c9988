/**
 * The right edge of a growing tree, in tiles: the hashes of the last, partial tile of each level. Leaves are appended at
 * it; which tiles became what is handed back, and nothing is stored here.
 */
import { AuditError } from "./errors.ts";
import { HASH_BYTES } from "./hash.ts";
import { type Subtree, checkSize, fold, rootPlan } from "./plan.ts";
import { TILE_WIDTH, hashInTile, levelWidth, tileOf } from "./tile.ts";

/** A tile as it stands after growth. */
export interface GrownTile {
  readonly level: number;
  readonly index: number;
  /** 1 to 256 hashes of 32 bytes. */
  readonly hashes: Uint8Array;
}

/** The partial tiles of the tree with `size` leaves: what its edge is made of. */
export function edgeTiles(size: number): readonly { readonly level: number; readonly index: number }[] {
  checkSize(size);
  const tiles: { readonly level: number; readonly index: number }[] = [];
  for (let level = 0; levelWidth(level, size) > 0; level += 1) {
    const width = levelWidth(level, size);
    if (width % TILE_WIDTH > 0) tiles.push({ level, index: Math.floor(width / TILE_WIDTH) });
  }
  return tiles;
}

/** The edge of one tree. */
export class TreeEdge {
  #size: number;
  /** By level: the hashes of the partial tile, in order; empty where the level ends with a full tile. */
  readonly #partial: Uint8Array[][];

  private constructor(size: number, partial: Uint8Array[][]) {
    this.#size = size;
    this.#partial = partial;
  }

  /** The edge of the tree with `size` leaves, from its partial tiles. Throws AuditError TILE_INVALID. */
  static of(size: number, partialTile: (level: number, index: number) => Uint8Array | undefined): TreeEdge {
    checkSize(size);
    const partial: Uint8Array[][] = [];
    for (let level = 0; levelWidth(level, size) > 0; level += 1) {
      const width = levelWidth(level, size) % TILE_WIDTH;
      const index = Math.floor(levelWidth(level, size) / TILE_WIDTH);
      const bytes = width === 0 ? new Uint8Array() : partialTile(level, index);
      if (bytes === undefined || bytes.length < width * HASH_BYTES) {
        throw new AuditError("TILE_INVALID", `tile ${index} of level ${level} is not here, or not wide enough`);
      }
      partial.push(Array.from({ length: width }, (_, n) => bytes.slice(n * HASH_BYTES, (n + 1) * HASH_BYTES)));
    }
    return new TreeEdge(size, partial);
  }

  /** Number of leaves. */
  get size(): number {
    return this.#size;
  }

  /** A copy, for growth that may be given up. */
  copy(): TreeEdge {
    return new TreeEdge(
      this.#size,
      this.#partial.map((hashes) => [...hashes]),
    );
  }

  /** Appends leaves; answers every tile that was changed, as it stands then. */
  grow(leafHashes: readonly Uint8Array[]): readonly GrownTile[] {
    const full: GrownTile[] = [];
    const touched = new Set<number>();
    for (const hash of leafHashes) {
      this.#size += 1;
      this.#append(0, hash, full, touched);
    }
    return [...full, ...this.partialTiles().filter(({ level }) => touched.has(level))];
  }

  /** The partial tiles, one a level at most. */
  partialTiles(): readonly GrownTile[] {
    return this.#partial.flatMap((hashes, level) => {
      const index = Math.floor(levelWidth(level, this.#size) / TILE_WIDTH);
      return hashes.length === 0 ? [] : [{ level, index, hashes: Buffer.concat(hashes) }];
    });
  }

  /** The root. */
  root(): Uint8Array {
    // A subtree of the root's run is complete, and what is not in the edge is in the full tiles left of it, whose
    // hashes stand one level higher: so each of them lies in a partial tile.
    return fold(rootPlan(this.#size), (subtree) => this.#hashOf(subtree));
  }

  #hashOf(subtree: Subtree): Uint8Array {
    const { level, from, count } = tileOf(subtree, this.#size);
    return hashInTile(Buffer.concat(this.#partial[level] ?? []), from, count);
  }

  #append(level: number, hash: Uint8Array, full: GrownTile[], touched: Set<number>): void {
    const hashes = (this.#partial[level] ??= []);
    hashes.push(hash);
    touched.add(level);
    if (hashes.length < TILE_WIDTH) return;
    const bytes = Buffer.concat(hashes);
    const index = levelWidth(level, this.#size) / TILE_WIDTH - 1;
    full.push({ level, index, hashes: bytes });
    this.#partial[level] = [];
    this.#append(level + 1, hashInTile(bytes, 0, TILE_WIDTH), full, touched);
  }
}
