/**
 * What stands on the medium after a power cut: a tree in which all is safe. Two images are the same where nobody who reads
 * the disk could tell them apart; what is random by design, names above all, is made equal first.
 */
import { createHash } from "node:crypto";
import { type DiskNode, type DiskState, ROOT_NODE } from "./state.ts";

/** A file of an image. The same object stands under each of the file's names. */
export interface ImageFile {
  readonly kind: "file";
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

/** A folder of an image. */
export interface ImageFolder {
  readonly kind: "folder";
  readonly names: ReadonlyMap<string, ImageNode>;
}

/** A file or a folder. */
export type ImageNode = ImageFile | ImageFolder;

/** What stands at `path` in the image. */
export function imageAt(image: ImageNode, path: string): ImageNode | undefined {
  let at: ImageNode | undefined = image;
  for (const name of path.split("/").filter((part) => part !== "")) {
    at = at?.kind === "folder" ? at.names.get(name) : undefined;
  }
  return at;
}

/** A disk that holds the image, all of it safe. */
export function diskOf(image: ImageFolder): DiskState {
  const nodes = new Map<number, DiskNode>();
  const ids = new Map<ImageNode, number>();
  let next = ROOT_NODE;
  const place = (node: ImageNode): number => {
    const known = ids.get(node);
    if (known !== undefined) return known;
    const id = next;
    next += 1;
    ids.set(node, id);
    if (node.kind === "file") {
      const { bytes, executable } = node;
      nodes.set(id, { kind: "file", bytes, executable, safeBytes: bytes, safeExecutable: executable });
    } else {
      const names = new Map<string, number>();
      for (const [name, child] of node.names) names.set(name, place(child));
      nodes.set(id, { kind: "folder", names, safeNames: names });
    }
    return id;
  };
  place(image);
  return { nodes, pending: [], nextNode: next };
}

/** How images are made comparable. */
export interface Normal {
  /** Whether names in this folder are random: then only what they stand for counts. */
  readonly isShuffled: (folder: string) => boolean;
  /** The file's bytes with what is random made equal; the same array where nothing is. */
  readonly content: (path: string, bytes: Uint8Array) => Uint8Array;
  /** Whether the path is left out altogether. */
  readonly isIgnored: (path: string) => boolean;
}

/** The image's digest: equal exactly where images are the same after normalisation. */
export function digestOfImage(image: ImageFolder, normal: Normal): string {
  const digest = (node: ImageNode, path: string): string => {
    if (node.kind === "file") return `${node.executable ? "x" : "f"}${hashOf(normal.content(path, node.bytes))}`;
    const shuffled = normal.isShuffled(path);
    const lines: string[] = [];
    for (const [name, child] of node.names) {
      const below = `${path}/${name}`;
      if (!normal.isIgnored(below)) lines.push(`${shuffled ? "" : name}\0${digest(child, below)}`);
    }
    return `d${createHash("sha1").update(lines.sort().join("\n")).digest("base64")}`;
  };
  return digest(image, "");
}

/** Digests by array: most files of most images are the very same arrays. */
const hashes = new WeakMap<Uint8Array, string>();

function hashOf(bytes: Uint8Array): string {
  const known = hashes.get(bytes);
  if (known !== undefined) return known;
  const hash = createHash("sha1").update(bytes).digest("base64");
  hashes.set(bytes, hash);
  return hash;
}
