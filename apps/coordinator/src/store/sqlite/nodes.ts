/**
 * Reads all nodes of a store. The first few come over the connection that is open; where there are more, threads read and
 * parse them beside this one, which only builds what it keeps, a slice at a time.
 */
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Node } from "@moult/policy";
import { NODES_A_SLICE, takeSlices } from "../node-slices.ts";
import { Packer, unpackNodes } from "../packed-nodes.ts";

/** A row: identity and state. */
export type NodeRow = readonly [identity: string, state: string | null];

/** Rows from a node on, in the order of their ids. */
const NODES_FROM = "SELECT identity, state FROM nodes WHERE node_id > ?";

/** Of those, one part of so many: ids are hashes, of which each last character is as frequent as another. */
export const PART_FROM: string = `${NODES_FROM} AND unicode(substr(node_id, -1)) % ? = ? ORDER BY node_id`;

/** What the thread is given. */
export interface ReadOrder {
  readonly path: string;
  readonly after: string;
  readonly part: number;
}

/** Reads them. Throws what the database says. */
export async function readNodes(db: DatabaseSync, path: string): Promise<readonly Node[]> {
  const first = db.prepare(`${NODES_FROM} ORDER BY node_id LIMIT ${NODES_A_SLICE}`);
  first.setReturnArrays(true);
  const rows = first.all("") as unknown as readonly NodeRow[];
  const nodes: Node[] = [...unpackNodes(new Packer().pack(rows))];
  const last = nodes.at(-1);
  if (last === undefined || rows.length < NODES_A_SLICE) return nodes;
  const start = (part: number): Worker => {
    const order: ReadOrder = { path, after: last.nodeId, part };
    return new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData: order });
  };
  await takeSlices(start, nodes);
  return nodes;
}
