/** Where the root comes from that a device was flashed with, or that its build brought along. Reads only. */
import { dirname, join } from "node:path";
import { type Disk, DiskError, type SlotName, type SlotStore } from "@moult/slots";
import type { Log } from "../ports.ts";

/** A root has at most so many bytes. */
const ROOT_BYTES_MAX = 65_536;

/** Where to look. */
export interface FlashedRootParts {
  readonly disk: Disk;
  readonly store: SlotStore;
  /** The slot of the build that runs. */
  readonly slot: SlotName;
  /** What the configuration names; undefined where it names none. */
  readonly rootFile: string | undefined;
  readonly log: Log;
}

/**
 * The root's bytes: the file that the configuration names; without one `root.json` beside the agent in its slot, so that a
 * device which was flashed before there were roots gets one with a build that its old agent approved.
 */
export async function findFlashedRoot({
  disk,
  store,
  slot,
  rootFile,
  log,
}: FlashedRootParts): Promise<Uint8Array | undefined> {
  const contents = rootFile === undefined ? await store.contents(slot) : undefined;
  const path = rootFile ?? (contents && join(store.layout.slot(slot), dirname(contents.agent), "root.json"));
  if (path === undefined) return undefined;
  try {
    const bytes = await disk.read(path, ROOT_BYTES_MAX);
    if (bytes === undefined && rootFile !== undefined) log.error({ path }, "the root's file is not there");
    return bytes;
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.error({ err: error, path }, "the root's file cannot be read");
    return undefined;
  }
}
