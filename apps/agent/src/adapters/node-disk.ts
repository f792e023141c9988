/** The disk port on Node's file system. Decides nothing; turns the system's errors into DiskError. */
import { constants } from "node:fs";
import {
  type FileHandle,
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
} from "node:fs/promises";
import { type Disk, DiskError, type DiskErrorCode, type FileMode, type OpenFile } from "@moult/slots";
import { makeSafe } from "./safe-on-disk.ts";

const MODES: Readonly<Record<FileMode, number>> = { plain: 0o444, executable: 0o555, secret: 0o600 };

/** Bytes read at once when a large file is gone through. */
const PIECE_BYTES = 1_048_576;

/** The device's disk. */
export const nodeDisk: Disk = {
  read: (path, bytesMax) =>
    missingIsUndefined(path, async () => {
      // What is no file at all must not be waited for, nor read for ever.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const found = await file.stat();
        if (!found.isFile()) throw new DiskError("IO", `${path} is not a file.`);
        const { size } = found;
        if (size > bytesMax)
          throw new DiskError("TOO_LARGE", `${path} has ${size} bytes; at most ${bytesMax} are read.`);
        return new Uint8Array(await file.readFile());
      } finally {
        await file.close();
      }
    }),
  async *readPieces(path) {
    const file = await translated(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (;;) {
        const { bytesRead } = await translated(path, () => file.read(piece, 0, PIECE_BYTES));
        if (bytesRead === 0) return;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  },
  readRange: (path, offsetBytes, into) =>
    translated(path, async () => {
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        let readBytes = 0;
        while (readBytes < into.length) {
          const { bytesRead } = await file.read(into, readBytes, into.length - readBytes, offsetBytes + readBytes);
          if (bytesRead === 0) break;
          readBytes += bytesRead;
        }
        return readBytes;
      } finally {
        await file.close();
      }
    }),
  entry: (path) =>
    missingIsUndefined(path, async () => {
      const found = await lstat(path);
      const kind = found.isFile() ? "file" : found.isDirectory() ? "directory" : "other";
      return { kind, lengthBytes: found.size };
    }),
  list: async (path) => (await missingIsUndefined(path, () => readdir(path))) ?? [],
  create: (path, mode) =>
    translated(path, async () =>
      opened(path, await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, MODES[mode])),
    ),
  resume: (path) => translated(path, async () => opened(path, await openAtEnd(path))),
  rewrite: (path, mode) =>
    translated(path, async () => {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
      // Read-only modes are for parts; what is rewritten has to stay writable for its owner.
      return opened(path, await open(path, flags, MODES[mode] | 0o200));
    }),
  syncFile: (path) => translated(path, () => withFile(path, (file) => makeSafe(path, file))),
  makeFolder: (path) => translated(path, () => mkdir(path)),
  syncFolder: (path) => translated(path, () => withFile(path, (folder) => makeSafe(path, folder))),
  rename: (from, to) => translated(from, () => rename(from, to)),
  link: (from, to) => translated(from, () => link(from, to)),
  makeExecutable: (path) =>
    translated(path, async () => {
      const { mode } = await stat(path);
      if ((mode & 0o111) !== 0o111) await chmod(path, MODES.executable);
      // Also where it was executable before: whoever changed it may have been killed before that was safe.
      await withFile(path, (file) => makeSafe(path, file));
    }),
  removeFile: (path) => translated(path, () => rm(path, { force: true })),
  removeFolder: async (path) => {
    await missingIsUndefined(path, () => rmdir(path));
  },
  freeBytes: (path) =>
    translated(path, async () => {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    }),
};

/** Parts are read-only from the beginning; their owner may lift that for the moment of opening. */
async function openAtEnd(path: string): Promise<FileHandle> {
  const { mode } = await stat(path);
  await chmod(path, mode | 0o200);
  try {
    return await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK);
  } finally {
    await chmod(path, mode & 0o555);
  }
}

function opened(path: string, file: FileHandle): OpenFile {
  let isOpen = true;
  return {
    write: (bytes) => translated(path, () => file.writeFile(bytes)),
    sync: () => translated(path, () => makeSafe(path, file)),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await translated(path, () => file.close());
    },
  };
}

async function withFile(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}

async function missingIsUndefined<T>(path: string, operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await translated(path, operation);
  } catch (error) {
    if (error instanceof DiskError && error.code === "MISSING") return undefined;
    throw error;
  }
}

const CODES: Readonly<Record<string, DiskErrorCode>> = {
  ENOSPC: "FULL",
  EDQUOT: "FULL",
  EROFS: "READ_ONLY",
  EEXIST: "EXISTS",
  ENOTEMPTY: "EXISTS",
  ENOENT: "MISSING",
};

async function translated<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof DiskError || !(error instanceof Error)) throw error;
    const systemCode = "code" in error && typeof error.code === "string" ? error.code : "";
    throw new DiskError(CODES[systemCode] ?? "IO", `${path}: ${systemCode || error.message}`, error);
  }
}
