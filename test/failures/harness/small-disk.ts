/** A small file system of its own for one device, where this process may mount one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scene } from "./failure.ts";

/** Why no file system can be mounted here; undefined where one can. */
export const noMounts: string | undefined =
  process.platform === "linux" && process.getuid?.() === 0 && canMount()
    ? undefined
    : "mounting a small file system takes root on Linux";

/** The folder of a new file system of that size. It is gone when the test is over. */
export function mountSmallDisk({ atEnd }: Scene, size: string): string {
  const folder = mkdtempSync(join(tmpdir(), "mlt-small-"));
  run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  atEnd(() => {
    run("umount", "-l", folder);
    rmdirSync(folder);
  });
  return folder;
}

/** Mounts it anew, to be written or not. */
export function remount(folder: string, mode: "ro" | "rw"): void {
  run("mount", "-o", `remount,${mode}`, folder);
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Root in a container often may not. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "mlt-mount-"));
  try {
    run("mount", "-t", "tmpfs", "tmpfs", folder);
    run("umount", folder);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  } finally {
    rmdirSync(folder);
  }
}
