/**
 * The enrolment token's place on the device: a file of its own beside the device's key, so that it can be erased by
 * removing one name, at once or not at all, and without touching a configuration that the agent may only read.
 */
import { dirname, join } from "node:path";
import { type Disk, makeFoldersDurably } from "@moult/slots";

/** The token as the device has it. */
export interface EnrollmentToken {
  /** Empty where there is none, or none any more. */
  readonly text: string;
  /** Removes it, safe against a power cut; nothing where it is gone. Throws DiskError. */
  readonly erase: () => Promise<void>;
}

/** A token has at most 256 characters; what is longer is none. */
const FILE_BYTES_MAX = 1_024;

/** The token that `path` holds. Throws DiskError. */
export async function openEnrollmentToken(disk: Disk, path: string): Promise<EnrollmentToken> {
  const lengthBytes = (await disk.entry(path))?.lengthBytes ?? 0;
  const bytes = lengthBytes > FILE_BYTES_MAX ? undefined : await disk.read(path, FILE_BYTES_MAX);
  const text = bytes === undefined ? "" : Buffer.from(bytes).toString("utf8").trim();
  return {
    text,
    async erase() {
      if ((await disk.entry(path)) === undefined) return;
      await disk.removeFile(path);
      await disk.syncFolder(dirname(path));
    },
  };
}

/** Puts a token there, whole or not at all; one that is there is replaced. Throws DiskError. */
export async function storeEnrollmentToken(disk: Disk, path: string, token: string): Promise<void> {
  await makeFoldersDurably(disk, dirname(path));
  const aside = join(dirname(path), ".enrollment-token-new");
  await disk.removeFile(aside);
  const file = await disk.create(aside, "secret");
  try {
    await file.write(Buffer.from(`${token}\n`));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
  await disk.syncFolder(dirname(path));
}
