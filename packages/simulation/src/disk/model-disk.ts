/**
 * A disk for the code that writes to disks: an ordinary `Disk` to whoever uses it, and behind it the record of what is only
 * cached. The rules stand in `state.ts`. Nothing here decides what a power cut leaves; `outcomes.ts` does.
 */
import { type Disk, type DiskEntry, DiskError, type FileMode, type OpenFile } from "@moult/slots";
import {
  type DiskNode,
  type DiskState,
  type FileNode,
  type FolderNode,
  type NameChange,
  namesOf,
  nodeAt,
  withNames,
  withNode,
  withSafeNames,
} from "./state.ts";

/** Told after each operation that changed something, or made something safe. */
export type OnOperation = (what: string, state: DiskState) => void;

/** Never full: full disks have tests of their own. */
const FREE_BYTES = 1_000_000_000;

const NOTHING = new Uint8Array();

/** The disk. */
export class ModelDisk implements Disk {
  #state: DiskState;
  /** A test's ear; undefined where nobody listens. */
  onOperation: OnOperation | undefined;

  constructor(state: DiskState) {
    this.#state = state;
  }

  /** Everything as it is now. */
  get state(): DiskState {
    return this.#state;
  }

  async read(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
    const node = this.#at(path);
    if (node === undefined) return undefined;
    if (node.kind !== "file") throw new DiskError("IO", `${path} is a folder.`);
    if (node.bytes.length > bytesMax) throw new DiskError("TOO_LARGE", `${path} is longer than ${bytesMax} bytes.`);
    return node.bytes.slice();
  }

  async *readPieces(path: string): AsyncGenerator<Uint8Array> {
    const node = this.#at(path);
    if (node?.kind !== "file") throw new DiskError("MISSING", path);
    yield node.bytes;
  }

  async readRange(path: string, offsetBytes: number, into: Uint8Array): Promise<number> {
    const node = this.#at(path);
    if (node?.kind !== "file") throw new DiskError("MISSING", path);
    const bytes = node.bytes.subarray(offsetBytes, offsetBytes + into.length);
    into.set(bytes);
    return bytes.length;
  }

  async entry(path: string): Promise<DiskEntry | undefined> {
    const node = this.#at(path);
    if (node === undefined) return undefined;
    if (node.kind === "folder") return { kind: "directory", lengthBytes: 0 };
    return { kind: "file", lengthBytes: node.bytes.length };
  }

  async list(path: string): Promise<readonly string[]> {
    const node = this.#at(path);
    return node?.kind === "folder" ? [...node.names.keys()] : [];
  }

  async create(path: string, mode: FileMode): Promise<OpenFile> {
    if (this.#at(path) !== undefined) throw new DiskError("EXISTS", path);
    return this.#make(path, `create ${path}`, mode === "executable");
  }

  async resume(path: string): Promise<OpenFile> {
    const id = nodeAt(this.#state, path);
    if (id === undefined || this.#state.nodes.get(id)?.kind !== "file") throw new DiskError("MISSING", path);
    return this.#open(path, id);
  }

  async rewrite(path: string, mode: FileMode): Promise<OpenFile> {
    const id = nodeAt(this.#state, path);
    const node = id === undefined ? undefined : this.#state.nodes.get(id);
    if (id === undefined || node === undefined) return this.#make(path, `create ${path}`, mode === "executable");
    if (node.kind !== "file") throw new DiskError("IO", `${path} is a folder.`);
    this.#done(`empty ${path}`, withNode(this.#state, id, { ...node, bytes: NOTHING }));
    return this.#open(path, id);
  }

  async makeFolder(path: string): Promise<void> {
    if (this.#at(path) !== undefined) throw new DiskError("EXISTS", path);
    this.#add(path, `makeFolder ${path}`, { kind: "folder", names: new Map(), safeNames: new Map() });
  }

  async syncFolder(path: string): Promise<void> {
    const id = nodeAt(this.#state, path);
    if (id === undefined || this.#state.nodes.get(id)?.kind !== "folder") throw new DiskError("MISSING", path);
    this.#done(`syncFolder ${path}`, withSafeNames(this.#state, id));
  }

  async syncFile(path: string): Promise<void> {
    const id = nodeAt(this.#state, path);
    if (id === undefined || this.#state.nodes.get(id)?.kind !== "file") throw new DiskError("MISSING", path);
    this.#sync(path, id);
  }

  async rename(from: string, to: string): Promise<void> {
    const node = nodeAt(this.#state, from);
    if (node === undefined) throw new DiskError("MISSING", from);
    const present = this.#at(to);
    if (present?.kind === "folder") throw new DiskError("EXISTS", to);
    const changes = [
      { ...this.#placeOf(from), node: undefined },
      { ...this.#placeOf(to), node },
    ];
    this.#done(`rename ${from} ${to}`, withNames(this.#state, { what: `rename ${from} ${to}`, changes }));
  }

  async link(from: string, to: string): Promise<void> {
    const node = nodeAt(this.#state, from);
    if (node === undefined || this.#state.nodes.get(node)?.kind !== "file") throw new DiskError("MISSING", from);
    if (this.#at(to) !== undefined) throw new DiskError("EXISTS", to);
    this.#change(`link ${from} ${to}`, { ...this.#placeOf(to), node });
  }

  async makeExecutable(path: string): Promise<void> {
    const id = nodeAt(this.#state, path);
    const node = id === undefined ? undefined : this.#state.nodes.get(id);
    if (id === undefined || node?.kind !== "file") throw new DiskError("MISSING", path);
    if (!node.executable) {
      this.#done(`makeExecutable ${path}`, withNode(this.#state, id, { ...node, executable: true }));
    }
    this.#sync(path, id);
  }

  async removeFile(path: string): Promise<void> {
    const node = this.#at(path);
    if (node === undefined) return;
    if (node.kind !== "file") throw new DiskError("IO", `${path} is a folder.`);
    this.#change(`removeFile ${path}`, { ...this.#placeOf(path), node: undefined });
  }

  async removeFolder(path: string): Promise<void> {
    const node = this.#at(path);
    if (node === undefined) return;
    if (node.kind !== "folder" || node.names.size > 0) throw new DiskError("EXISTS", path);
    this.#change(`removeFolder ${path}`, { ...this.#placeOf(path), node: undefined });
  }

  async freeBytes(_path: string): Promise<number> {
    return FREE_BYTES;
  }

  #at(path: string): DiskNode | undefined {
    const id = nodeAt(this.#state, path);
    return id === undefined ? undefined : this.#state.nodes.get(id);
  }

  /** The folder that holds the last name of `path`, which need not be there. */
  #placeOf(path: string): { readonly folder: number; readonly name: string } {
    const names = namesOf(path);
    const name = names.at(-1) ?? "";
    const folder = nodeAt(this.#state, names.slice(0, -1).join("/"));
    if (name === "" || folder === undefined || this.#state.nodes.get(folder)?.kind !== "folder") {
      throw new DiskError("MISSING", path);
    }
    return { folder, name };
  }

  #make(path: string, what: string, executable: boolean): OpenFile {
    const fresh: FileNode = {
      kind: "file",
      bytes: NOTHING,
      executable,
      safeBytes: NOTHING,
      safeExecutable: executable,
    };
    return this.#open(path, this.#add(path, what, fresh));
  }

  #add(path: string, what: string, node: FileNode | FolderNode): number {
    const place = this.#placeOf(path);
    const id = this.#state.nextNode;
    this.#state = withNode(this.#state, id, node);
    this.#change(what, { ...place, node: id });
    return id;
  }

  #open(path: string, id: number): OpenFile {
    return {
      write: async (bytes) => {
        const node = this.#file(id);
        const longer = new Uint8Array(Buffer.concat([node.bytes, bytes]));
        this.#done(`write ${path} (${bytes.length} bytes)`, withNode(this.#state, id, { ...node, bytes: longer }));
      },
      sync: async () => this.#sync(path, id),
      close: async () => undefined,
    };
  }

  #file(id: number): FileNode {
    const node = this.#state.nodes.get(id);
    if (node?.kind !== "file") throw new DiskError("IO", "the open file is none");
    return node;
  }

  #sync(path: string, id: number): void {
    const node = this.#file(id);
    const safe = { ...node, safeBytes: node.bytes, safeExecutable: node.executable };
    this.#done(`sync ${path}`, withNode(this.#state, id, safe));
  }

  #change(what: string, change: NameChange): void {
    this.#done(what, withNames(this.#state, { what, changes: [change] }));
  }

  #done(what: string, state: DiskState): void {
    this.#state = state;
    this.onOperation?.(what, state);
  }
}
