/**
 * Re-checks a log from its bytes: entries are hashed, tiles compared, leaves read, each pool's sequence followed, and the
 * root worked out anew at every size that somebody signed for. It believes nothing it was given; who fetches the bytes
 * is the caller's matter.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { type GrownTile, TreeEdge } from "./edge.ts";
import { AuditError } from "./errors.ts";
import { HASH_BYTES, leafHash, sameHash } from "./hash.ts";
import { type Leaf, readLeaf } from "./leaf.ts";
import { TILE_WIDTH, readBundle } from "./tile.ts";

/** What the auditor works with. */
export interface AuditorParts {
  /** The network every leaf must be of; the first leaf's where not given. */
  readonly network?: string | undefined;
  /** Trees whose roots must be met on the way: the checkpoint, and those that were saved before. Any order. */
  readonly checkpoints: readonly Pick<Checkpoint, "size" | "root">[];
  /** Gets each leaf, once its bytes are known to belong to its tile. */
  readonly onLeaf?: ((leaf: Leaf, index: number, entry: Uint8Array) => void) | undefined;
}

/** What was found, so far. */
export interface AuditCounts {
  readonly leaves: number;
  /** By pool, the number of leaves, which is also the last sequence number. */
  readonly pools: ReadonlyMap<string, number>;
}

/** One pass over a log. */
export class LogAuditor {
  readonly #edge: TreeEdge;
  readonly #pools = new Map<string, number>();
  readonly #pins: readonly Pick<Checkpoint, "size" | "root">[];
  readonly #onLeaf: AuditorParts["onLeaf"];
  #network: string | undefined;
  #met = 0;

  constructor({ network, checkpoints, onLeaf }: AuditorParts) {
    this.#edge = TreeEdge.of(0, () => undefined);
    this.#network = network;
    this.#pins = checkpoints.toSorted((a, b) => a.size - b.size);
    this.#onLeaf = onLeaf;
    this.#meet();
  }

  get counts(): AuditCounts {
    return { leaves: this.#edge.size, pools: this.#pools };
  }

  /**
   * Takes the next bundle with its tile of level 0. Answers the full tiles of higher levels that now must be served, for
   * the caller to fetch and give to `compareTile`. Throws AuditError TILE_INVALID, TREE_MISMATCH, LEAF_INVALID,
   * SEQUENCE_BROKEN or HISTORY_CHANGED.
   */
  addBundle(tile: Uint8Array, bundle: Uint8Array): readonly GrownTile[] {
    const first = this.#edge.size;
    const width = tile.length / HASH_BYTES;
    if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH || first % TILE_WIDTH !== 0) {
      throw new AuditError("TILE_INVALID", `The tile at leaf ${first} is no tile.`);
    }
    const entries = readBundle(bundle, width);
    const hashes = entries.map((entry) => leafHash(entry));
    for (const [n, hash] of hashes.entries()) {
      if (sameHash(hash, tile.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES))) continue;
      throw new AuditError("TREE_MISMATCH", `Leaf ${first + n} is not what its tile says.`);
    }
    for (const [n, entry] of entries.entries()) this.#readLeaf(entry, first + n);
    return this.#grow(hashes).filter(({ level, hashes }) => level > 0 && hashes.length === TILE_WIDTH * HASH_BYTES);
  }

  /** Compares a tile as it was served with what it must be. Throws AuditError TREE_MISMATCH. */
  compareTile(expected: GrownTile, served: Uint8Array): void {
    if (sameHash(expected.hashes, served)) return;
    throw new AuditError("TREE_MISMATCH", `Tile ${expected.index} of level ${expected.level} is not over its leaves.`);
  }

  /** The partial tiles of higher levels that must be served for the tree as it is now. */
  partialTiles(): readonly GrownTile[] {
    return this.#edge.partialTiles().filter(({ level }) => level > 0);
  }

  /** To be called after the last bundle. Throws AuditError HISTORY_CHANGED where a checkpoint is of a larger tree. */
  finish(): AuditCounts {
    const larger = this.#pins[this.#met];
    if (larger === undefined) return this.counts;
    throw new AuditError(
      "HISTORY_CHANGED",
      `The log has ${this.#edge.size} leaves, and had ${larger.size} before: it was cut or replaced.`,
    );
  }

  #readLeaf(entry: Uint8Array, index: number): void {
    const leaf = readLeaf(entry);
    this.#network ??= leaf.network;
    if (leaf.network !== this.#network) {
      throw new AuditError("LEAF_INVALID", `Leaf ${index} is of network "${leaf.network}", not "${this.#network}".`);
    }
    const seq = (this.#pools.get(leaf.pool) ?? 0) + 1;
    if (leaf.seq !== seq) {
      throw new AuditError(
        "SEQUENCE_BROKEN",
        `Leaf ${index} is number ${leaf.seq} of pool "${leaf.pool}", not ${seq}.`,
      );
    }
    this.#pools.set(leaf.pool, seq);
    this.#onLeaf?.(leaf, index, entry);
  }

  /** Grows in steps, so that the root is looked at exactly where somebody signed for it. */
  #grow(hashes: readonly Uint8Array[]): readonly GrownTile[] {
    const grown: GrownTile[] = [];
    for (let at = 0; at < hashes.length;) {
      const next = this.#pins[this.#met];
      const until = next === undefined ? hashes.length : Math.min(hashes.length, at + next.size - this.#edge.size);
      grown.push(...this.#edge.grow(hashes.slice(at, until)));
      at = until;
      this.#meet();
    }
    return grown;
  }

  #meet(): void {
    for (let pin = this.#pins[this.#met]; pin?.size === this.#edge.size; pin = this.#pins[this.#met]) {
      if (!sameHash(pin.root, this.#edge.root())) {
        throw new AuditError(
          "HISTORY_CHANGED",
          `The first ${pin.size} leaves do not have the root that was signed for them.`,
        );
      }
      this.#met += 1;
    }
  }
}
