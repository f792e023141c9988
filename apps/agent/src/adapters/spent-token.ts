/**
 * An enrolment token that must not be used again, although it still stands in the configuration: its device was wiped,
 * and whoever owns it now supplies another. Only the token's digest is kept.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { type Disk, seal, unseal, writeNewFile } from "@moult/slots";

/** One digest. */
const FILE_BYTES_MAX = 4_096;

/** Remembers the token at `path`, for good. Throws DiskError. */
export async function spendToken(disk: Disk, path: string, token: string): Promise<void> {
  const aside = join(dirname(path), ".token-spent-new");
  await disk.removeFile(aside);
  await writeNewFile(disk, aside, seal({ sha256: digestOf(token) }));
  await disk.rename(aside, path);
  await disk.syncFolder(dirname(path));
}

/** Whether this is the token that must not be used again. Throws DiskError. */
export async function isSpent(disk: Disk, path: string, token: string): Promise<boolean> {
  const bytes = await disk.read(path, FILE_BYTES_MAX);
  const value = bytes && unseal(bytes);
  return typeof value === "object" && value !== null && "sha256" in value && value.sha256 === digestOf(token);
}

function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
