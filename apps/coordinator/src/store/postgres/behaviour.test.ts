import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { behavesAsStore } from "../testing/behaviour.ts";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../testing/postgres-server.ts";
import { openPostgresStore } from "./store.ts";

if (postgresBinaries() === undefined) {
  test.skip(POSTGRES_MISSING, () => expect.unreachable());
} else {
  behavesAsStore("PostgreSQL", async () => {
    const server = await PostgresServer.start();
    const log = { warn: () => {} };
    // Made once and copied, for the tables take longer than most tests.
    const prepared = await server.database();
    await (await openPostgresStore({ url: prepared, network: "demo", owner: randomUUID(), log })).close();
    return {
      runs: 8,
      async place() {
        const url = await server.database(prepared);
        return {
          open: (network = "demo") => openPostgresStore({ url, network, owner: randomUUID(), log }),
          async leaves() {
            const text = "SELECT pool_id, seq, kind FROM audit ORDER BY pool_id, seq";
            const rows = await server.query(text, new URL(url).pathname.slice(1));
            return rows.map((row) => ({
              poolId: String(row["pool_id"]),
              seq: Number(row["seq"]),
              kind: String(row["kind"]),
            }));
          },
        };
      },
      stop: () => server.remove(),
    };
  });
}
