/**
 * Reads all nodes of a store. The first few come over the connection that is open; where there are more, threads read and
 * parse them beside this one, which only builds what it keeps, a slice at a time.
 */
import type { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import type { Node } from "@moult/policy";
import { NODES_A_SLICE, READERS, takeSlices } from "../node-slices.ts";
import { Packer, Unpacker } from "../packed-nodes.ts";

/** A row: identity and state. */
export type NodeRow = readonly [identity: string, state: string | null];

/** Rows of a part, in the order in which they lie in the file: by their ids a large file is read criss-cross. */
export const NODES_WITHIN = "SELECT identity, state FROM nodes WHERE rowid > ? AND rowid <= ? ORDER BY rowid";

/** The last of the first rows, and of all. */
const EDGES = `
  SELECT (SELECT MAX(rowid) FROM (SELECT rowid FROM nodes ORDER BY rowid LIMIT ?)) AS first, MAX(rowid) AS last FROM nodes`;

/** What a thread is given: which rows, by their numbers in the file. */
export interface ReadOrder {
  readonly path: string;
  readonly after: number;
  readonly upTo: number;
}

/** Reads them. Throws what the database says. */
export async function readNodes(db: DatabaseSync, path: string): Promise<readonly Node[]> {
  const { first, last } = db.prepare(EDGES).get(NODES_A_SLICE) as { readonly first: number; readonly last: number };
  const within = db.prepare(NODES_WITHIN);
  within.setReturnArrays(true);
  const rows = within.all(Number.MIN_SAFE_INTEGER, first) as unknown as readonly NodeRow[];
  const nodes: Node[] = [...new Unpacker().unpack(new Packer().pack(rows))];
  if (first === last) return nodes;
  const share = Math.ceil((last - first) / READERS);
  const start = (part: number): Worker => {
    const after = first + part * share;
    const order: ReadOrder = { path, after, upTo: Math.min(last, after + share) };
    return new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData: order });
  };
  await takeSlices(start, nodes);
  return nodes;
}
