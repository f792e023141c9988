import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../testing/postgres-server.ts";
import { placeOf } from "./connect.ts";
import type { Statement } from "./statements.ts";
import { Writer } from "./writer.ts";

const isMissing = postgresBinaries() === undefined;
if (isMissing) test.skip(POSTGRES_MISSING, () => expect.unreachable());

/** A process writes more than a hundred batches a second, for months. */
const BATCHES = 3_000;
/** What may stay of each, in bytes: measured noise is some tens. A promise's reaction takes 400. */
const KEPT_BYTES_MAX = 150;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

describe.skipIf(isMissing)("the connection that batches are written over", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.remove());

  test("keeps nothing of a batch that was answered", async () => {
    const writer = new Writer(placeOf(await server.database()));
    const statement: Statement = { text: "SELECT $1::bigint", values: [1] };
    const heapBytes = async (batches: number): Promise<number> => {
      for (let n = 0; n < batches; n += 1) await writer.transact([statement]);
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapBytes(BATCHES / 3);
    const after = await heapBytes(BATCHES);
    await writer.close();
    expect((after - before) / BATCHES).toBeLessThan(KEPT_BYTES_MAX);
  });
});
