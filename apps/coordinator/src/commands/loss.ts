/** What of all that was ever signed is not in a backup. It reads, and decides nothing. */
import { type Checkpoint, sameHash } from "@moult/trust/audit";
import { rootAt } from "../audit/hashes.ts";
import type { SignedBefore } from "../audit/last-checkpoint.ts";
import type { BackupTree } from "../store/backup/backup-tree.ts";

/**
 * How many leaves that were signed are not in the backup, at most; 0 where none is missing. The backup has to be of the same
 * leaves as every checkpoint that is remembered, whatever the log's name was: of one that is of other leaves, all count. A
 * backup of the log under the name that signed last is held against that alone: what earlier names signed and it has not was
 * lost, and accepted, when it got that name.
 */
export async function lostLeaves(tree: BackupTree, { last, former }: SignedBefore): Promise<number> {
  const name = Buffer.from(tree.checkpoint ?? [])
    .toString("utf8")
    .split("\n", 1)[0];
  const known = last === undefined || name === last.origin ? [] : former;
  let lost = 0;
  for (const checkpoint of [last ?? [], known].flat()) lost += await missing(tree, checkpoint);
  return lost;
}

async function missing(tree: BackupTree, { size, root }: Checkpoint): Promise<number> {
  if (size > tree.size) return size - tree.size;
  return sameHash(await rootAt(tree.store, size), root) ? 0 : size;
}
