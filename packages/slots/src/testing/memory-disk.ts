/** A disk in memory for tests: one name, one inode, nothing lost. It can be told to fail. */
import { dirname } from "node:path";
import { type Disk, DiskError, type DiskErrorCode, type OpenFile } from "../disk.ts";

interface Inode {
  bytes: Uint8Array;
  executable: boolean;
  links: number;
}

/** The disk, and what a test may ask of it. */
export interface MemoryDisk extends Disk {
  /** Every write operation so far, as `verb path`. */
  readonly operations: string[];
  /** Every write operation from now on fails so. */
  failWith: DiskErrorCode | undefined;
  readonly put: (path: string, bytes: Uint8Array) => void;
  /** Whether two names stand for the same file. */
  readonly same: (one: string, other: string) => boolean;
  readonly isExecutable: (path: string) => boolean;
}

/** An empty disk with a root folder. */
export function createMemoryDisk(): MemoryDisk {
  const files = new Map<string, Inode>();
  const folders = new Set<string>(["/"]);
  const disk: MemoryDisk = {
    operations: [],
    failWith: undefined,
    put: (path, bytes) => void files.set(path, { bytes, executable: false, links: 1 }),
    same: (one, other) => files.get(one) !== undefined && files.get(one) === files.get(other),
    isExecutable: (path) => files.get(path)?.executable === true,
    async read(path, bytesMax) {
      const file = files.get(path);
      if (file !== undefined && file.bytes.length > bytesMax) throw new DiskError("TOO_LARGE", path);
      return file?.bytes.slice();
    },
    async *readPieces(path) {
      const file = files.get(path);
      if (file === undefined) throw new DiskError("MISSING", path);
      yield file.bytes;
    },
    async readRange(path, offsetBytes, into) {
      const file = files.get(path);
      if (file === undefined) throw new DiskError("MISSING", path);
      const range = file.bytes.subarray(offsetBytes, offsetBytes + into.length);
      into.set(range);
      return range.length;
    },
    async entry(path) {
      const file = files.get(path);
      if (file !== undefined) return { kind: "file", lengthBytes: file.bytes.length };
      return folders.has(path) ? { kind: "directory", lengthBytes: 0 } : undefined;
    },
    async list(path) {
      const names = [...files.keys(), ...folders].filter((name) => name !== "/" && dirname(name) === path);
      return names.map((name) => name.slice(path === "/" ? 1 : path.length + 1));
    },
    async create(path, mode) {
      act("create", path);
      if (files.has(path)) throw new DiskError("EXISTS", path);
      return openFile(path, mode === "executable");
    },
    async resume(path) {
      act("resume", path);
      const file = files.get(path);
      if (file === undefined) throw new DiskError("MISSING", path);
      return writerOf(path, file);
    },
    async rewrite(path) {
      act("rewrite", path);
      return openFile(path, false);
    },
    async syncFile(path) {
      act("sync", path);
      if (!files.has(path)) throw new DiskError("MISSING", path);
    },
    async makeFolder(path) {
      act("makeFolder", path);
      if (folders.has(path) || files.has(path)) throw new DiskError("EXISTS", path);
      if (!folders.has(dirname(path))) throw new DiskError("MISSING", dirname(path));
      folders.add(path);
    },
    async syncFolder(path) {
      act("syncFolder", path);
      if (!folders.has(path)) throw new DiskError("MISSING", path);
    },
    async rename(from, to) {
      act("rename", `${from} ${to}`);
      if (folders.has(to)) throw new DiskError("EXISTS", to);
      if (!files.has(from) && !folders.has(from)) throw new DiskError("MISSING", from);
      const moved = (name: string): string => (name === from ? to : to + name.slice(from.length));
      const isBelow = (name: string): boolean => name === from || name.startsWith(`${from}/`);
      for (const [name, file] of [...files].filter(([name]) => isBelow(name))) {
        files.delete(name);
        files.set(moved(name), file);
      }
      for (const name of [...folders].filter(isBelow)) {
        folders.delete(name);
        folders.add(moved(name));
      }
    },
    async link(from, to) {
      act("link", `${from} ${to}`);
      const file = files.get(from);
      if (file === undefined) throw new DiskError("MISSING", from);
      if (files.has(to)) throw new DiskError("EXISTS", to);
      file.links += 1;
      files.set(to, file);
    },
    async makeExecutable(path) {
      const file = files.get(path);
      if (file === undefined) throw new DiskError("MISSING", path);
      if (file.executable) return;
      act("makeExecutable", path);
      file.executable = true;
    },
    async removeFile(path) {
      act("removeFile", path);
      files.delete(path);
    },
    async removeFolder(path) {
      act("removeFolder", path);
      if ((await disk.list(path)).length > 0) throw new DiskError("EXISTS", path);
      folders.delete(path);
    },
    freeBytes: async () => 1_000_000_000,
  };

  function act(verb: string, path: string): void {
    if (disk.failWith !== undefined) throw new DiskError(disk.failWith, path);
    disk.operations.push(`${verb} ${path}`);
  }

  function openFile(path: string, executable: boolean): OpenFile {
    if (!folders.has(dirname(path))) throw new DiskError("MISSING", dirname(path));
    const file: Inode = { bytes: new Uint8Array(), executable, links: 1 };
    files.set(path, file);
    return writerOf(path, file);
  }

  function writerOf(path: string, file: Inode): OpenFile {
    return {
      async write(bytes) {
        act("write", path);
        file.bytes = new Uint8Array(Buffer.concat([file.bytes, bytes]));
      },
      async sync() {
        act("sync", path);
      },
      async close() {},
    };
  }
  return disk;
}
