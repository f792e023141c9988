/**
 * `launcher.mjs once`: one wake, for a timer. The agent asks, goes through a whole move where that is permitted, and ends
 * with nothing left in memory but the workload. Two runs never overlap, nor a run with an agent that stays.
 */
import { createHash } from "node:crypto";
import { type Server, createServer } from "node:net";
import { EXIT_BUSY } from "../exit-codes.ts";
import { findAgents } from "./leftovers.ts";
import type { Site } from "./site.ts";
import { stay } from "./stay.ts";

/** Wakes once. Returns the exit code. */
export async function wakeOnce(site: Site): Promise<number> {
  const { disk, deviceDir, runFolder, bootId, say } = site;
  const lock = await takeLock(deviceDir);
  if (lock === undefined || (await findAgents(disk, runFolder, bootId, deviceDir)).length > 0) {
    say("warn", "an agent looks after this device already");
    return EXIT_BUSY;
  }
  try {
    return await stay(site, true);
  } finally {
    lock.close();
  }
}

/** A name in Linux's abstract socket space: the kernel gives it to one process, and takes it back however that ends. */
function takeLock(deviceDir: string): Promise<Server | undefined> {
  const name = createHash("sha256").update(deviceDir).digest("hex").slice(0, 32);
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(`\0moult-once-${name}`, () => resolve(server));
  });
}
