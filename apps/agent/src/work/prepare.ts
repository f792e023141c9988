/**
 * Lays out a staged build's workload while the present one still works: links and their syncs take time that would
 * otherwise be the box's absence. Nothing depends on it; what is not laid out now is laid out by the next agent.
 */
import { join } from "node:path";
import { DiskError, type SlotName, type SlotStore } from "@moult/slots";
import { parseManifest } from "@moult/trust";
import type { Log } from "../ports.ts";
import { workBuildOf } from "./build.ts";

/** Lays out the workload of the build in `slot`, which was verified when it was staged. */
export async function prepareWork(store: SlotStore, workFolder: string, slot: SlotName, log: Log): Promise<void> {
  try {
    const documents = await store.documents(slot);
    if (documents === undefined) return;
    const { identity, workload, parts } = workBuildOf(parseManifest(documents.manifest));
    if (workload.kind !== "none") await store.placeTree(join(workFolder, identity), parts);
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    log.warn({ err: error }, "the next workload could not be laid out yet");
  }
}
