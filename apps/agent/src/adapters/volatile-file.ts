/** Files that only help: written where there is room, not synced, and of no meaning after a reboot. */
import { type Disk, DiskError } from "@moult/slots";

/** Writes the file; false where the disk does not take it. */
export async function writeVolatile(disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const file = await disk.rewrite(path, "plain");
    try {
      await file.write(bytes);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (error instanceof DiskError) return false;
    throw error;
  }
}
