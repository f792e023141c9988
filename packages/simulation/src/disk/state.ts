/**
 * What a disk holds, twice over: as the running system sees it, and as it would be found if the power went now and nothing
 * more had reached the medium. Plain data and the few functions on it.
 *
 * The rules, each at least as unkind as the file systems devices use (ext4 and f2fs), so that what survives here survives
 * there. Sources: POSIX.1-2024 `fsync`, `rename`, `link`; the kernel's documentation of ext4 (data=ordered, delayed
 * allocation) and of f2fs (`fsync_mode=posix`); Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014).
 *
 *  1. `sync` of a file makes its bytes, its length and its mode safe. It does not make any of its names safe.
 *  2. `syncFolder` makes safe every change of that folder's names so far, and what these changes stand on: earlier changes of
 *     the same names. It makes no file's bytes safe and no other folder's names.
 *  3. Changes of names that are not safe reach the medium in any combination, across folders and within one, but for two
 *     things: changes of one name keep their order, and a rename happens as a whole or not at all, also between folders.
 *     ext4 and f2fs would keep their order; nothing here relies on it.
 *  4. Bytes that are not safe: none of them reached the medium, or all, or a part. The length may be ahead of the bytes, which
 *     are zeros or anything at all then; a hole may be left in the middle; where a file was emptied and written anew, old bytes
 *     may stand behind new ones. A name may reach the medium long before the bytes it stands for.
 *  5. A new file has its mode from the first moment; a later change of mode is safe with the next `sync`.
 *  6. What was safe stays as it is: nothing decays, and a medium that lies about a flush is not modelled.
 */

/** A file. Bytes are never changed in place: each write puts a new array here. */
export interface FileNode {
  readonly kind: "file";
  readonly bytes: Uint8Array;
  readonly executable: boolean;
  /** What a power cut cannot take. */
  readonly safeBytes: Uint8Array;
  readonly safeExecutable: boolean;
}

/** A folder: what its names stand for, by node. */
export interface FolderNode {
  readonly kind: "folder";
  readonly names: ReadonlyMap<string, number>;
  /** The names a power cut cannot take. */
  readonly safeNames: ReadonlyMap<string, number>;
}

/** A file or folder, whatever its names. */
export type DiskNode = FileNode | FolderNode;

/** What a name in a folder comes to stand for; nothing where `node` is undefined. */
export interface NameChange {
  readonly folder: number;
  readonly name: string;
  readonly node: number | undefined;
}

/** Changes of names that happen together, not safe yet. */
export interface NamesOperation {
  /** In words, as in `rename /a /b`. */
  readonly what: string;
  readonly changes: readonly NameChange[];
}

/** The whole disk at one moment. Never changed; every operation makes the next. */
export interface DiskState {
  readonly nodes: ReadonlyMap<number, DiskNode>;
  /** In the order in which they happened. */
  readonly pending: readonly NamesOperation[];
  readonly nextNode: number;
}

/** The node of the root folder. */
export const ROOT_NODE = 0;

/** A disk with nothing but its root. */
export function emptyDisk(): DiskState {
  const root: FolderNode = { kind: "folder", names: new Map(), safeNames: new Map() };
  return { nodes: new Map([[ROOT_NODE, root]]), pending: [], nextNode: 1 };
}

/** The names of `/`-separated `path`. */
export function namesOf(path: string): readonly string[] {
  return path.split("/").filter((name) => name !== "");
}

/** The node at `path` as the running system sees it. */
export function nodeAt(state: DiskState, path: string): number | undefined {
  let at: number | undefined = ROOT_NODE;
  for (const name of namesOf(path)) {
    const node: DiskNode | undefined = at === undefined ? undefined : state.nodes.get(at);
    if (node?.kind !== "folder") return undefined;
    at = node.names.get(name);
  }
  return at;
}

/** The disk with one node replaced. */
export function withNode(state: DiskState, id: number, node: DiskNode): DiskState {
  return { ...state, nodes: new Map(state.nodes).set(id, node), nextNode: Math.max(state.nextNode, id + 1) };
}

/** The disk after names changed together; not safe yet. */
export function withNames(state: DiskState, operation: NamesOperation): DiskState {
  const nodes = new Map(state.nodes);
  applyChanges(nodes, operation.changes, "names");
  return { ...state, nodes, pending: [...state.pending, operation] };
}

/** The disk once a folder's names are safe (rule 2). */
export function withSafeNames(state: DiskState, folder: number): DiskState {
  const nodes = new Map(state.nodes);
  const left: NamesOperation[] = [];
  const safe = neededFor(state.pending, (operation) => operation.changes.some((change) => change.folder === folder));
  for (const [index, operation] of state.pending.entries()) {
    if (safe[index] === true) applyChanges(nodes, operation.changes, "safeNames");
    else left.push(operation);
  }
  return { ...state, nodes, pending: left };
}

/** For each operation, whether it is wanted or one that is wanted stands on it: an earlier change of the same name. */
export function neededFor(
  operations: readonly NamesOperation[],
  isWanted: (operation: NamesOperation, index: number) => boolean,
): readonly boolean[] {
  const names = new Set<string>();
  const needed = operations.map(() => false);
  for (let index = operations.length - 1; index >= 0; index -= 1) {
    const operation = operations[index];
    if (operation === undefined) continue;
    const keys = operation.changes.map(({ folder, name }) => `${folder}/${name}`);
    if (!isWanted(operation, index) && !keys.some((key) => names.has(key))) continue;
    needed[index] = true;
    for (const key of keys) names.add(key);
  }
  return needed;
}

/** Puts the changes into one of the folders' two sets of names. */
export function applyChanges(
  nodes: Map<number, DiskNode>,
  changes: readonly NameChange[],
  which: "names" | "safeNames",
): void {
  for (const { folder, name, node } of changes) {
    const found = nodes.get(folder);
    if (found?.kind !== "folder") continue;
    const names = new Map(found[which]);
    if (node === undefined) names.delete(name);
    else names.set(name, node);
    nodes.set(folder, { ...found, [which]: names });
  }
}
