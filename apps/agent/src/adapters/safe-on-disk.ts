/**
 * Making what was written safe. Node refuses fsync under its permission model, since a file descriptor is no path that it
 * could judge; there `sync FILE` of coreutils or busybox does the same for the same file.
 */
import { execFile } from "node:child_process";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import { SYNC_PATH } from "./sync-program.ts";

/** Makes the open file or folder at `path` safe. Rejects where it is not. */
export type MakeSafe = (path: string, file: FileHandle) => Promise<void>;

/** A disk that takes longer than this, in milliseconds, is not going to. */
const TIMEOUT_MS = 300_000;

/** By the system call. */
const byCall: MakeSafe = (_, file) => file.sync();

/**
 * By the program. A busybox that is too small to take file names makes everything safe, which is more than was asked. The
 * launcher has found the program before it switched the model on; the agent itself may not look where programs stand.
 */
const byProgram: MakeSafe = async (path) => {
  await promisify(execFile)("sync", ["--", path], { env: { PATH: SYNC_PATH }, timeout: TIMEOUT_MS });
};

/** What works in this process. */
export const makeSafe: MakeSafe = process.permission === undefined ? byCall : byProgram;
