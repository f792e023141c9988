/**
 * The tree's part of the store: the one order of all pools' leaves, the tiles over them, and the last checkpoint. One
 * sequencer writes it, under an epoch that the next one raises; a write under an older epoch is refused whole.
 */

/** A leaf of a pool's log that has no place in the tree yet. */
export interface LoggedLeaf {
  readonly poolId: string;
  readonly seq: number;
  readonly atMs: number;
  readonly kind: string;
  /** JSON. */
  readonly body: string;
  /** Whether the body is known to be in the one form that a leaf can have. */
  readonly isCanonical?: boolean;
}

/** A leaf with its place, and the bytes the tree is over. */
export interface PlacedLeaf {
  readonly poolId: string;
  readonly seq: number;
  readonly entry: Uint8Array;
}

/** A tile as it stands after growth. */
export interface StoredTile {
  readonly level: number;
  readonly index: number;
  /** 1 to 256 hashes of 32 bytes. */
  readonly hashes: Uint8Array;
}

/** The tree as it was last written. */
export interface TreeState {
  readonly epoch: number;
  /** Leaves that have their place. */
  readonly size: number;
  /** The last checkpoint that was signed, as its note's text and signatures; undefined before the first. */
  readonly checkpoint: Uint8Array | undefined;
}

/** Growth, written whole or not at all. */
export interface Growth {
  /** Size before it. */
  readonly size: number;
  readonly leaves: readonly PlacedLeaf[];
  readonly tiles: readonly StoredTile[];
  /** Bodies that are too large for an entry. */
  readonly bodies: readonly { readonly digest: string; readonly bytes: Uint8Array }[];
}

/** The tree's tables. Everything rejects with a StoreError; FENCED where another sequencer has taken over. */
export interface TreeStore {
  /** Takes the sequencing over: raises the epoch and answers what is there. */
  readonly claim: () => Promise<TreeState>;
  /** At most about `countMax` leaves without a place, of each pool in its order, each pool getting its share. */
  readonly unplaced: (countMax: number) => Promise<readonly LoggedLeaf[]>;
  readonly grow: (epoch: number, growth: Growth) => Promise<void>;
  readonly keepCheckpoint: (epoch: number, note: Uint8Array) => Promise<void>;
  /** A tile's hashes, perhaps more than were asked for; undefined where it is not here. */
  readonly tile: (level: number, index: number) => Promise<Uint8Array | undefined>;
  /** The entries from leaf `first`, as many as there are, at most `count`. */
  readonly entries: (first: number, count: number) => Promise<readonly Uint8Array[]>;
  readonly body: (digest: string) => Promise<Uint8Array | undefined>;
}
