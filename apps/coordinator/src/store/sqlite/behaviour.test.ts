import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { behavesAsStore } from "../testing/behaviour.ts";
import type { ExpectedLeaf } from "../testing/model.ts";
import { openSqliteStore } from "./store.ts";

behavesAsStore("node:sqlite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "moult-store-"));
  let places = 0;
  return {
    runs: 30,
    async place() {
      places += 1;
      const path = join(folder, `${places}.db`);
      return {
        open: async (network = "demo") => openSqliteStore(path, network),
        async leaves() {
          const db = new DatabaseSync(path, { readOnly: true });
          const rows = db.prepare("SELECT pool_id AS poolId, seq, kind FROM audit ORDER BY pool_id, seq").all();
          db.close();
          return rows.map((row) => ({ ...row }) as unknown as ExpectedLeaf);
        },
      };
    },
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
