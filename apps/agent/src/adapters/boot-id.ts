/** Which boot of the host this is. Tells times and process ids of one boot from those of another. */
import { readFile } from "node:fs/promises";
import { uptime } from "node:os";

/** 1 to 64 characters; differs after each boot. */
export async function readBootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim().slice(0, 64);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Not Linux: the time of the boot, to the minute, stands in for it.
    return `boot-${Math.round((Date.now() / 1000 - uptime()) / 60)}`;
  }
}
