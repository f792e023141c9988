/**
 * A thread of `load.ts`: a connection of its own that reads its part of the nodes as of the moment it is given, and hands them
 * over packed. It changes nothing.
 */
import { parentPort, workerData } from "node:worker_threads";
import { NODES_A_SLICE, type NodeRow, READERS, sendSlices } from "../node-slices.ts";
import { connect, placeOf } from "./connect.ts";
import type { ReadOrder } from "./load.ts";

const { url, snapshot, poolIds, part } = workerData as ReadOrder;
const sql = connect(placeOf(url), 1);
await sql.unsafe("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
// The name is the server's own; it takes no parameter here.
await sql.unsafe(`SET TRANSACTION SNAPSHOT '${snapshot.replaceAll("'", "''")}'`);
// A reader that is ahead waits for the one that keeps what it has read.
await sql.unsafe("SET LOCAL idle_in_transaction_session_timeout = 0");
const chosen = poolIds === undefined ? sql`` : sql`AND pool_id = ANY(${poolIds as string[]})`;
// A hash of either sign, of which the lowest bits say the part.
const own = sql`hashtext(node_id) & ${READERS - 1} = ${part}`;
const query = sql<
  { identity: string; state: string | null }[]
>`SELECT identity, state FROM nodes WHERE ${own} ${chosen}`;
const slices = query.cursor(NODES_A_SLICE)[Symbol.asyncIterator]();

async function next(): Promise<readonly NodeRow[]> {
  const { done, value } = await slices.next();
  return done === true ? [] : value.map(({ identity, state }) => [identity, state] as const);
}

if (parentPort !== null) sendSlices(parentPort, next, () => sql.end({ timeout: 1 }));
