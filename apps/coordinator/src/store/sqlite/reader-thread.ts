/** A thread of `nodes.ts`: a connection of its own that reads its part of the nodes, and hands them over packed. It changes nothing. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { type NodeRow, sendSlices } from "../node-slices.ts";
import { NODES_WITHIN, type ReadOrder } from "./nodes.ts";

/** So much of the file is mapped rather than copied page by page; it is let go with the connection. */
const MMAP_BYTES = 268_435_456;

const { path, after, upTo } = workerData as ReadOrder;
const db = new DatabaseSync(path, { readOnly: true });
db.exec(`PRAGMA mmap_size = ${MMAP_BYTES}`);
const statement = db.prepare(NODES_WITHIN);
statement.setReturnArrays(true);
const rows = statement.iterate(after, upTo) as unknown as Iterator<NodeRow>;

function next(rowsMax: number): readonly NodeRow[] {
  const slice: NodeRow[] = [];
  while (slice.length < rowsMax) {
    const { done, value } = rows.next();
    if (done === true) break;
    slice.push(value);
  }
  return slice;
}

if (parentPort !== null) sendSlices(parentPort, next, () => db.close());
