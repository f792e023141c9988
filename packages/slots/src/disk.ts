/**
 * The disk as this package sees it: every operation that touches a device's storage, each small enough that a power cut
 * falls before or after it. The real one is built by an app; a model that loses and tears unsynced writes can stand in
 * for it. Paths are absolute. No operation here decides anything.
 */

/** Why an operation failed. */
export type DiskErrorCode =
  /** No space, or no room for another file. */
  | "FULL"
  /** The file system cannot be written at all. */
  | "READ_ONLY"
  /** A file is longer than the caller is willing to read. */
  | "TOO_LARGE"
  /** What was to be made is there already. */
  | "EXISTS"
  /** What was to be used is not there. */
  | "MISSING"
  /** Anything else the device said; `cause` has it. */
  | "IO";

/** A failed disk operation. */
export class DiskError extends Error {
  readonly code: DiskErrorCode;

  constructor(code: DiskErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "DiskError";
    this.code = code;
  }
}

/** What stands at a path. */
export interface DiskEntry {
  readonly kind: "file" | "directory" | "other";
  readonly lengthBytes: number;
}

/** A file being written. Nothing written is safe before `sync`. */
export interface OpenFile {
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Returns once the bytes are on the medium. */
  readonly sync: () => Promise<void>;
  /** To be called on every path; closing twice is allowed. */
  readonly close: () => Promise<void>;
}

/** Storage. Every operation may throw DiskError. */
export interface Disk {
  /** The whole file; undefined where there is none. TOO_LARGE beyond `bytesMax`. */
  readonly read: (path: string, bytesMax: number) => Promise<Uint8Array | undefined>;
  /** The file in pieces, for digests of large ones. MISSING where there is none. */
  readonly readPieces: (path: string) => AsyncIterable<Uint8Array>;
  /**
   * Fills `into` with the file's bytes from `offsetBytes` on and returns how many these were: fewer than it takes where
   * the file ends before. The caller's buffer, so that going through a large file leaves no garbage. MISSING where there
   * is none.
   */
  readonly readRange: (path: string, offsetBytes: number, into: Uint8Array) => Promise<number>;
  /** What stands there, links not followed; undefined where nothing does. */
  readonly entry: (path: string) => Promise<DiskEntry | undefined>;
  /** Names in a folder, in any order; none where there is no folder. */
  readonly list: (path: string) => Promise<readonly string[]>;
  /** A new file; EXISTS where something stands there. */
  readonly create: (path: string, mode: FileMode) => Promise<OpenFile>;
  /** A file that is there, to be written on at its end; MISSING where there is none. */
  readonly resume: (path: string) => Promise<OpenFile>;
  /** The file emptied, or a new one. Only for what may be torn and says so by a checksum. */
  readonly rewrite: (path: string, mode: FileMode) => Promise<OpenFile>;
  /**
   * Returns once the file's bytes are on the medium, whoever wrote them: a process that was killed may have left some of its
   * own behind. MISSING where there is none.
   */
  readonly syncFile: (path: string) => Promise<void>;
  /** A new folder in one that exists; EXISTS where something stands there. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** Returns once the folder's names are on the medium. */
  readonly syncFolder: (path: string) => Promise<void>;
  /** Gives it another name on the same file system, at once or not at all. Replaces a file, never a folder. */
  readonly rename: (from: string, to: string) => Promise<void>;
  /** A second name for the same file. */
  readonly link: (from: string, to: string) => Promise<void>;
  /** Lets a file be executed from now on, under all its names. */
  readonly makeExecutable: (path: string) => Promise<void>;
  /** Removes one file; nothing where there is none. */
  readonly removeFile: (path: string) => Promise<void>;
  /** Removes one empty folder; nothing where there is none. */
  readonly removeFolder: (path: string) => Promise<void>;
  /** Bytes that could still be written to the file system that holds `path`. */
  readonly freeBytes: (path: string) => Promise<number>;
}

/** Who may do what with a file: `secret` is for its owner alone, the others are read-only for everybody. */
export type FileMode = "plain" | "executable" | "secret";
