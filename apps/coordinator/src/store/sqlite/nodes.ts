/**
 * Reads all nodes of a store. The first few come over the connection that is open; where there are more, a thread reads and
 * parses them beside this one, which only builds what it keeps, a slice at a time.
 */
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Node } from "@moult/policy";
import { NODES_A_SLICE, takeSlices } from "../node-slices.ts";
import { Packer, Unpacker } from "../packed-nodes.ts";

/** A row: identity and state. */
export type NodeRow = readonly [identity: string, state: string | null];

/** So many rows after so many, in the order in which they lie in the file: by their ids a large file is read criss-cross. */
export const NODES_AFTER = "SELECT identity, state FROM nodes ORDER BY rowid LIMIT ? OFFSET ?";

/** What the thread is given. */
export interface ReadOrder {
  readonly path: string;
  /** How many rows were read already. */
  readonly after: number;
}

/** Reads them. Throws what the database says. */
export async function readNodes(db: DatabaseSync, path: string): Promise<readonly Node[]> {
  const first = db.prepare(NODES_AFTER);
  first.setReturnArrays(true);
  const rows = first.all(NODES_A_SLICE, 0) as unknown as readonly NodeRow[];
  const nodes: Node[] = [...new Unpacker().unpack(new Packer().pack(rows))];
  if (rows.length < NODES_A_SLICE) return nodes;
  const order: ReadOrder = { path, after: rows.length };
  const thread = new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData: order });
  try {
    await takeSlices(thread, nodes);
    return nodes;
  } finally {
    await thread.terminate();
  }
}
