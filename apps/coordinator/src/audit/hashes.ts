/** Hashes of the tree from stored tiles: the edge to grow at, the root at a size, proofs. Reads only. */
import {
  HASH_BYTES,
  type Run,
  type Subtree,
  TreeEdge,
  edgeTiles,
  fold,
  hashInTile,
  rootPlan,
  tileOf,
} from "@moult/trust/audit";
import type { TreeStore } from "../store/tree.ts";

/** The hash of each run in the tree with `size` leaves. Throws AuditError TILE_INVALID where a tile is missing. */
export async function hashRuns(tree: TreeStore, runs: readonly Run[], size: number): Promise<readonly Uint8Array[]> {
  const tiles = new Map<string, Uint8Array>();
  for (const { level, index } of runs.flat().map((subtree) => tileOf(subtree, size))) {
    const key = `${level}/${index}`;
    if (!tiles.has(key)) tiles.set(key, (await tree.tile(level, index)) ?? new Uint8Array());
  }
  const hashOf = (subtree: Subtree): Uint8Array => {
    const { level, index, width, from, count } = tileOf(subtree, size);
    const hashes = tiles.get(`${level}/${index}`) ?? new Uint8Array();
    return hashInTile(hashes.subarray(0, width * HASH_BYTES), from, count);
  };
  return runs.map((run) => fold(run, hashOf));
}

/** The root at a size that the tree has or had. */
export async function rootAt(tree: TreeStore, size: number): Promise<Uint8Array> {
  const [root] = await hashRuns(tree, [rootPlan(size)], size);
  return root ?? new Uint8Array();
}

/** The edge of the stored tree. Throws AuditError TILE_INVALID. */
export async function loadEdge(tree: TreeStore, size: number): Promise<TreeEdge> {
  const partial = new Map<string, Uint8Array | undefined>();
  for (const { level, index } of edgeTiles(size)) partial.set(`${level}/${index}`, await tree.tile(level, index));
  return TreeEdge.of(size, (level, index) => partial.get(`${level}/${index}`));
}
