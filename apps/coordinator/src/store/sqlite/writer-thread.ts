/** The thread of `writer.ts`: a connection that writes what it is told, and says when it is durable. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { type Answer, type Errand, type Order, runAll, valuesOf } from "./writer.ts";

/** A reader that checkpoints for a moment is waited for, in milliseconds. */
const BUSY_MS = 5_000;

const { path } = workerData as { readonly path: string };
const db = new DatabaseSync(path, { timeout: BUSY_MS });
// What is written is folded into the file every 64 MiB, so that a page that changes often is folded once, and in the order of
// the pages; a start after a crash reads so much. The cache keeps the upper pages of the trees.
db.exec("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
db.exec("PRAGMA wal_autocheckpoint = 16384; PRAGMA cache_size = -16384");
const texts: string[] = [];
const statements: StatementSync[] = [];
/** Prepared when it is first run: one that cannot be is tried again. */
const prepared = (number: number): StatementSync => (statements[number] ??= db.prepare(texts[number] ?? ""));

parentPort?.on("message", (order: Order | Errand) => {
  let answer: Answer = {};
  try {
    if ("exec" in order) db.exec(order.exec);
    else {
      texts.push(...order.fresh);
      runAll(db, prepared, { ...order.writes, values: valuesOf(order) });
    }
  } catch (error) {
    answer = { failure: error instanceof Error ? error.message : String(error) };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(answer);
});
