/** Folders as wholes, made of the disk's single operations so that a power cut can fall between any two of them. */
import { dirname, join } from "node:path";
import { type Disk, DiskError } from "./disk.ts";

/** Makes the folder and those above it. What is there stays. */
export async function makeFolders(disk: Disk, path: string): Promise<void> {
  const entry = await disk.entry(path);
  if (entry?.kind === "directory") return;
  if (entry !== undefined) throw new DiskError("EXISTS", `${path} stands where a folder is needed.`);
  await makeFolders(disk, dirname(path));
  try {
    await disk.makeFolder(path);
  } catch (error) {
    if (!(error instanceof DiskError && error.code === "EXISTS")) throw error;
  }
}

/** Makes the folder as `makeFolders` does, and its name safe, also where somebody made it who was killed before that. */
export async function makeFoldersDurably(disk: Disk, path: string): Promise<void> {
  if ((await disk.entry(path))?.kind !== "directory") {
    await makeFoldersDurably(disk, dirname(path));
    await makeFolders(disk, path);
  }
  await disk.syncFolder(dirname(path));
}

/** Removes whatever stands at the path. Links are removed, never followed. */
export async function removeTree(disk: Disk, path: string): Promise<void> {
  const entry = await disk.entry(path);
  if (entry === undefined) return;
  if (entry.kind !== "directory") return disk.removeFile(path);
  for (const name of await disk.list(path)) await removeTree(disk, join(path, name));
  await disk.removeFolder(path);
}

/** Makes the names in a folder and in all below it safe, the deepest first. */
export async function syncTree(disk: Disk, path: string): Promise<void> {
  for (const name of await disk.list(path)) {
    const child = join(path, name);
    if ((await disk.entry(child))?.kind === "directory") await syncTree(disk, child);
  }
  await disk.syncFolder(path);
}

/** Writes a new file whole and safe. Its name is safe once the folder is synced. */
export async function writeNewFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.create(path, "plain");
  try {
    await file.write(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
