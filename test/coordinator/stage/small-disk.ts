/** A small file system that can be filled, where this process may mount one. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, rmdirSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHUNK_BYTES = 65_536;

/** A file system of its own. */
export class SmallDisk {
  readonly folder: string;
  readonly #ballast: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#ballast = join(folder, "ballast");
  }

  /** Mounts one of so many megabytes; undefined where this process may not. */
  static mount(megabytes: number): SmallDisk | undefined {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined;
    const folder = mkdtempSync(join(tmpdir(), "moult-disk-"));
    try {
      run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=755`, "tmpfs", folder);
      return new SmallDisk(folder);
    } catch (error) {
      rmdirSync(folder);
      // Root in a container often may not.
      if (error instanceof Error) return undefined;
      throw error;
    }
  }

  /** Leaves not a byte. */
  fill(): void {
    const file = openSync(this.#ballast, "w");
    try {
      for (let bytes = CHUNK_BYTES; bytes > 0;) {
        try {
          writeSync(file, Buffer.alloc(bytes));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
          bytes >>= 1;
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Gives the room back. */
  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  unmount(): void {
    run("umount", "-l", this.folder);
    rmdirSync(this.folder);
  }
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}
