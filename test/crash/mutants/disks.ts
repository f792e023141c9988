/** Disks that leave something out: what a careless change of the code, or of the adapter to the real disk, would amount to. */
import { basename, dirname, join } from "node:path";
import { type Disk, type OpenFile, seal } from "@moult/slots";

/** Files are never synced. */
export function withoutFileSync(disk: Disk): Disk {
  const lazy = (file: OpenFile): OpenFile => ({ ...file, sync: async () => undefined });
  return {
    ...bound(disk),
    create: async (path, mode) => lazy(await disk.create(path, mode)),
    resume: async (path) => lazy(await disk.resume(path)),
    rewrite: async (path, mode) => lazy(await disk.rewrite(path, mode)),
    syncFile: async () => undefined,
  };
}

/** Folders are never synced. */
export function withoutFolderSync(disk: Disk): Disk {
  return { ...bound(disk), syncFolder: async () => undefined };
}

/** What an earlier process wrote is taken as it is found. */
export function withoutSettling(disk: Disk): Disk {
  return { ...bound(disk), syncFile: async () => undefined };
}

/** A file gets its name first and is synced then. */
export function renamingFirst(disk: Disk): Disk {
  const waiting: OpenFile[] = [];
  const flush = async (): Promise<void> => {
    for (const file of waiting.splice(0)) await file.sync();
  };
  const late = (file: OpenFile): OpenFile => ({ ...file, sync: async () => void waiting.push(file) });
  return {
    ...bound(disk),
    create: async (path, mode) => late(await disk.create(path, mode)),
    resume: async (path) => late(await disk.resume(path)),
    rename: async (from, to) => {
      await disk.rename(from, to);
      await flush();
    },
    syncFolder: async (path) => {
      await flush();
      await disk.syncFolder(path);
    },
  };
}

/** One boot record instead of two by turns. */
export function withOneRecord(disk: Disk): Disk {
  const place = (path: string): string => (basename(path) === "boot-1" ? join(dirname(path), "boot-0") : path);
  return {
    ...bound(disk),
    read: async (path, bytesMax) => (place(path) === path ? disk.read(path, bytesMax) : undefined),
    rewrite: (path, mode) => disk.rewrite(place(path), mode),
  };
}

/** The state file is written over instead of replaced. */
export function withStateInPlace(disk: Disk): Disk {
  const target = (path: string): string => join(dirname(path), "agent");
  const isAside = (path: string): boolean => basename(path) === ".agent-new";
  return {
    ...bound(disk),
    create: (path, mode) => (isAside(path) ? disk.rewrite(target(path), mode) : disk.create(path, mode)),
    rename: async (from, to) => (isAside(from) ? undefined : disk.rename(from, to)),
  };
}

/** Seals are not checked: what can be parsed is believed. */
export function withoutChecksums(disk: Disk): Disk {
  return {
    ...bound(disk),
    read: async (path, bytesMax) => {
      const bytes = await disk.read(path, bytesMax);
      if (bytes === undefined || !path.includes("/state/")) return bytes;
      const text = Buffer.from(bytes).toString("utf8");
      try {
        return seal(JSON.parse(text.slice(text.indexOf("\n") + 1)));
      } catch (error) {
        if (error instanceof SyntaxError) return bytes;
        throw error;
      }
    },
  };
}

/** The disk's operations as plain functions, to be replaced one by one. */
function bound(disk: Disk): Disk {
  return {
    read: (path, bytesMax) => disk.read(path, bytesMax),
    readPieces: (path) => disk.readPieces(path),
    readRange: (path, offsetBytes, into) => disk.readRange(path, offsetBytes, into),
    entry: (path) => disk.entry(path),
    list: (path) => disk.list(path),
    create: (path, mode) => disk.create(path, mode),
    resume: (path) => disk.resume(path),
    rewrite: (path, mode) => disk.rewrite(path, mode),
    syncFile: (path) => disk.syncFile(path),
    makeFolder: (path) => disk.makeFolder(path),
    syncFolder: (path) => disk.syncFolder(path),
    rename: (from, to) => disk.rename(from, to),
    link: (from, to) => disk.link(from, to),
    makeExecutable: (path) => disk.makeExecutable(path),
    removeFile: (path) => disk.removeFile(path),
    removeFolder: (path) => disk.removeFolder(path),
    freeBytes: (path) => disk.freeBytes(path),
  };
}
