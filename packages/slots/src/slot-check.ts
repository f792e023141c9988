/** Whether a slot is whole. Reads only; trusts nothing in the slot but what the digests say. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Disk } from "./disk.ts";
import { DiskError } from "./disk.ts";
import { CONTENTS_FILE, MANIFEST_FILE } from "./layout.ts";
import { type SlotContents, readContents } from "./slot-contents.ts";

/** `lengths` looks at every file's length and takes milliseconds; `digests` reads every byte. */
export type CheckDepth = "lengths" | "digests";

/** More than any manifest takes. */
const MANIFEST_BYTES_MAX = 1_048_576;

/** What the slot in `folder` holds where it is whole, else why it is not. */
export async function checkSlot(
  disk: Disk,
  folder: string,
  depth: CheckDepth,
): Promise<{ readonly contents: SlotContents } | { readonly flaw: string }> {
  try {
    const contents = await readContents(disk, join(folder, CONTENTS_FILE));
    if (contents === undefined) return { flaw: "it has no readable list of its contents" };
    const manifest = await disk.read(join(folder, MANIFEST_FILE), MANIFEST_BYTES_MAX);
    if (manifest === undefined || sha256(manifest) !== contents.digest) return { flaw: "its manifest is another one" };
    for (const part of contents.parts) {
      const path = join(folder, part.path);
      const entry = await disk.entry(path);
      if (entry?.kind !== "file") return { flaw: `${part.path} is missing` };
      if (entry.lengthBytes !== part.lengthBytes) return { flaw: `${part.path} has another length` };
      if (depth === "digests" && (await digestOfFile(disk, path)) !== part.digest) {
        return { flaw: `${part.path} has other bytes` };
      }
    }
    return { contents };
  } catch (error) {
    if (error instanceof DiskError) return { flaw: `it cannot be read: ${error.message}` };
    throw error;
  }
}

/** SHA-256 of a file of any length, 64 lowercase hexadecimal digits. Throws DiskError. */
export async function digestOfFile(disk: Disk, path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of disk.readPieces(path)) hash.update(piece);
  return hash.digest("hex");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
