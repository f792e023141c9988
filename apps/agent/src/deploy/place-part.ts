/** Takes one part of a build directory into a device's store. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, copyFile, link, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { PartEntry } from "@moult/slots";

/** Modes of parts: read-only, for parts never change. */
const PLAIN_MODE = 0o444;
const EXECUTABLE_MODE = 0o555;

/** Files whose digests were found right, by inode and time: twelve devices from one build read its bytes once. */
const verified = new Set<string>();

/** A part that is not what the manifest says. */
export class PartMismatch extends Error {
  readonly code = "PART_MISMATCH";
}

/**
 * Links the file, or copies it where it lies on another file system. Its mode becomes that of a part, also for the build
 * directory's own name of the same file. Throws PartMismatch.
 */
export async function placePart(from: string, to: string, part: PartEntry): Promise<void> {
  await verify(from, part);
  try {
    await link(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await copyFile(from, to);
  }
  const { mode } = await stat(to);
  const wanted = part.executable || (mode & 0o111) !== 0 ? EXECUTABLE_MODE : PLAIN_MODE;
  if ((mode & 0o777) !== wanted) await chmod(to, wanted);
}

async function verify(path: string, part: PartEntry): Promise<void> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  const key = `${dev} ${ino} ${size} ${mtimeMs} ${part.digest}`;
  if (verified.has(key)) return;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  if (size !== part.lengthBytes || hash.digest("hex") !== part.digest) {
    throw new PartMismatch(`${path} is not the part ${part.path} that the manifest names.`);
  }
  verified.add(key);
}
