/**
 * Follows a log as it grows. Begins at any leaf with the edge of the tree at that place, and from then on each checkpoint
 * must be of a tree that grew out of the one before: a log that forgets or replaces what it showed is told on at once.
 */
import {
  AuditError,
  HASH_BYTES,
  type Leaf,
  type SignedCheckpoint,
  TILE_WIDTH,
  TreeEdge,
  edgeTiles,
  leafHash,
  readBundle,
  readLeaf,
  sameHash,
  tileWidth,
} from "@moult/trust/audit";
import type { LogSource } from "./log-source.ts";
import { bundlesFrom } from "./verify-log.ts";

/** One log, followed. */
export class FollowedLog {
  readonly #source: LogSource;
  readonly #sequences = new Map<string, number>();
  #edge: TreeEdge | undefined;

  constructor(source: LogSource) {
    this.#source = source;
  }

  /** The leaves of `checkpoint` that were not seen yet; at first those from `first` on. */
  async advance(checkpoint: SignedCheckpoint, first: number): Promise<readonly (readonly [Leaf, number])[]> {
    const { size, root } = checkpoint;
    this.#edge ??= await this.#edgeAt(Math.min(first, size), size);
    if (size < this.#edge.size) {
      const message = `The log has ${size} leaves, and had ${this.#edge.size} before: it was cut or replaced.`;
      throw new AuditError("HISTORY_CHANGED", message);
    }
    const edge = this.#edge.copy();
    const leaves: (readonly [Leaf, number])[] = [];
    // A log that did not grow is asked for nothing more.
    const from = edge.size === size ? size + TILE_WIDTH : edge.size;
    for await (const { index, bundle } of bundlesFrom(this.#source, from, size)) {
      const skipped = edge.size - index * TILE_WIDTH;
      const entries = readBundle(bundle, tileWidth(0, index, size)).slice(Math.max(0, skipped));
      for (const [n, entry] of entries.entries()) leaves.push([this.#read(entry), edge.size + n]);
      edge.grow(entries.map((entry) => leafHash(entry)));
    }
    if (!sameHash(edge.root(), root)) {
      throw new AuditError("HISTORY_CHANGED", `The log of ${size} leaves did not grow out of what was seen of it.`);
    }
    this.#edge = edge;
    return leaves;
  }

  async #edgeAt(at: number, size: number): Promise<TreeEdge> {
    const tiles = new Map<string, Uint8Array>();
    for (const { level, index } of edgeTiles(at)) {
      const hashes = await this.#source.tile({ level, index, width: tileWidth(level, index, size) });
      tiles.set(`${level}/${index}`, hashes.subarray(0, tileWidth(level, index, at) * HASH_BYTES));
    }
    return TreeEdge.of(at, (level, index) => tiles.get(`${level}/${index}`));
  }

  #read(entry: Uint8Array): Leaf {
    const leaf = readLeaf(entry);
    const before = this.#sequences.get(leaf.pool);
    if (before !== undefined && leaf.seq !== before + 1) {
      throw new AuditError("SEQUENCE_BROKEN", `Number ${leaf.seq} of pool "${leaf.pool}" follows number ${before}.`);
    }
    this.#sequences.set(leaf.pool, leaf.seq);
    return leaf;
  }
}
