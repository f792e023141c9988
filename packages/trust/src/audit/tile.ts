/**
 * The tiles of C2SP tlog-tiles: 256 hashes each, named by level and index, and partial at the right edge of the tree; and
 * the bundles that hold the entries under a tile of level 0. Paths and bytes only, nothing is fetched here.
 */
import { AuditError } from "./errors.ts";
import { HASH_BYTES, nodeHash } from "./hash.ts";
import type { Subtree } from "./plan.ts";

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256;

/** Levels of the tree in one tile. */
const TILE_HEIGHT = 8;

/** A tree of 2^53 leaves has tiles on 7 levels. */
const TILE_LEVEL_MAX = 6;

/** Length before an entry, in bytes. */
const LENGTH_BYTES = 2;

/** An entry's length is written in two bytes. */
export const ENTRY_BYTES_MAX = 65_535;

/** The largest bundle. */
export const BUNDLE_BYTES_MAX: number = TILE_WIDTH * (LENGTH_BYTES + ENTRY_BYTES_MAX);

/** A tile; or, where `level` is `entries`, a bundle. */
export interface Tile {
  readonly level: number | "entries";
  readonly index: number;
  /** 1 to 256; below 256 the tile is partial. */
  readonly width: number;
}

/** Some hashes of a tile that is no bundle. */
export interface TilePart extends Tile {
  readonly level: number;
  /** The first hash, counted from 0. */
  readonly from: number;
  readonly count: number;
}

/** The path under the log's prefix, as in `tile/0/x001/x234/067.p/12`. */
export function tilePath({ level, index, width }: Tile): string {
  let path = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  }
  return `tile/${level}/${path}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,4}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** The tile that a path names; undefined where it names none. There is one path for each tile. */
export function parseTilePath(path: string): Tile | undefined {
  const [, level = "", digits = "", width] = PATH.exec(path) ?? [];
  const tile = {
    level: level === "entries" ? ("entries" as const) : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, "")),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  if (tile.level !== "entries" && tile.level > TILE_LEVEL_MAX) return undefined;
  return digits !== "" && tilePath(tile) === path ? tile : undefined;
}

/** Hashes in all tiles of a level of the tree with `size` leaves. */
export function levelWidth(level: number, size: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** How wide a tile is in the tree with `size` leaves; 0 where it is not there. */
export function tileWidth(level: number | "entries", index: number, size: number): number {
  const width = levelWidth(level === "entries" ? 0 : level, size) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, width));
}

/** The tile that holds a subtree, in the tree with `size` leaves, and where in it. */
export function tileOf({ level, index }: Subtree, size: number): TilePart {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level - tileLevel * TILE_HEIGHT);
  const first = index * count;
  const tileIndex = Math.floor(first / TILE_WIDTH);
  const width = tileWidth(tileLevel, tileIndex, size);
  return { level: tileLevel, index: tileIndex, width, from: first % TILE_WIDTH, count };
}

/** The hash of the complete subtree over `count` (a power of two) hashes of a tile, from `from`. */
export function hashInTile(hashes: Uint8Array, from: number, count: number): Uint8Array {
  if ((from + count) * HASH_BYTES > hashes.length) throw invalid(`a tile has no hashes ${from} to ${from + count - 1}`);
  if (count === 1) return hashes.slice(from * HASH_BYTES, (from + 1) * HASH_BYTES);
  const half = count / 2;
  return nodeHash(hashInTile(hashes, from, half), hashInTile(hashes, from + half, half));
}

/** The bytes of a bundle. */
export function writeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + LENGTH_BYTES + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > ENTRY_BYTES_MAX) throw invalid(`an entry of ${entry.length} bytes is too large`);
    view.setUint16(at, entry.length);
    bytes.set(entry, at + LENGTH_BYTES);
    at += LENGTH_BYTES + entry.length;
  }
  return bytes;
}

/** The entries of a bundle that must have `width` of them and nothing else. Throws AuditError TILE_INVALID. */
export function readBundle(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + LENGTH_BYTES > bytes.length) throw invalid(`a bundle has ${entries.length} entries, not ${width}`);
    const start = at + LENGTH_BYTES;
    const end = start + view.getUint16(at);
    if (end > bytes.length) throw invalid(`entry ${entries.length} of a bundle is cut off`);
    entries.push(bytes.subarray(start, end));
    at = end;
  }
  if (at !== bytes.length) throw invalid(`a bundle has ${bytes.length - at} bytes after its last entry`);
  return entries;
}

function invalid(message: string): AuditError {
  return new AuditError("TILE_INVALID", message);
}
