/**
 * The default engine: node:sqlite in WAL mode with `synchronous=FULL`, so that a committed batch survives power loss. One
 * process at a time; a second one that opens the same file is refused by its lock.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Dial, Override, Permit, Release, Tally } from "@moult/policy";
import { setImmediate as turn } from "node:timers/promises";
import { EVENTS_KEPT, type FleetEvent } from "../../anomalies/kinds.ts";
import { auditLeaf, dialBody } from "../audit-leaf.ts";
import { REQUEST_KEEP_MS, TOKEN_KEEP_MS } from "../keep.ts";
import {
  type Batch,
  type BrakeStatement,
  type EnrollmentToken,
  type MetadataFile,
  type Snapshot,
  type Store,
  type StoreChange,
  StoreError,
} from "../port.ts";
import type { LoggedLeaf } from "../tree.ts";
import { LeafTail, bodyText } from "./leaf-tail.ts";
import { guarded, openDatabase } from "./open.ts";
import { storedDial } from "../rows.ts";
import { readNodes } from "./nodes.ts";
import { Turns } from "../turns.ts";
import { signedSizeOf } from "../signed-size.ts";
import { sqliteTree } from "./tree.ts";
import { type Run, type Writer, threadWriter, writing } from "./writer.ts";

/** The process has a turn for others after so many changes: some milliseconds. */
const CHANGES_A_TURN = 500;

/**
 * The council may give a release another counter, also one that another release has. The column has to stay unique for
 * versions that go by it: who comes second gets a negative number there. What counts is the counter in the document.
 */
const WRITE_RELEASE = `
  INSERT INTO releases VALUES (
    ?1,
    CASE WHEN EXISTS (SELECT 1 FROM releases WHERE release_counter = ?2 AND version <> ?1)
      THEN (SELECT MIN(0, MIN(release_counter)) - 1 FROM releases) ELSE ?2 END,
    ?3
  ) ON CONFLICT (version) DO UPDATE SET release_counter = excluded.release_counter, release = excluded.release`;

/** Opens or makes the store of `network` at `path`. Throws a StoreError that says why it cannot be used. */
export function openSqliteStore(path: string, network: string): Store {
  return sqliteStore(openDatabase(path, network), path, threadWriter(path));
}

/** The store over an open database, which it reads; `path` is for its errors. */
export function sqliteStore(db: DatabaseSync, path: string, writer: Writer): Store {
  // One after another: what is read under a turn cannot change before it is written under the same.
  const turns = new Turns();
  const treeTurns = new Turns();
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the shape of its own SELECT
  const all = <T>(sql: string): readonly T[] => prepare(sql).all() as T[];
  const documents = <T>(sql: string): T[] => all<{ document: string }>(sql).map((row) => JSON.parse(row.document) as T);

  const write = (change: StoreChange, run: Run): void => {
    switch (change.kind) {
      case "enrolled":
        run("INSERT OR IGNORE INTO nodes VALUES (?, ?, NULL)", change.identity.nodeId, JSON.stringify(change.identity));
        break;
      case "node":
        run("UPDATE nodes SET state = ? WHERE node_id = ?", change.state, change.nodeId);
        break;
      case "permit": {
        const { nodeId, permitId } = change.permit;
        run("INSERT OR REPLACE INTO permits VALUES (?, ?, ?)", nodeId, permitId, JSON.stringify(change.permit));
        break;
      }
      case "permit-ended":
        run("DELETE FROM permits WHERE permit_id = ?", change.permit.permitId);
        break;
      case "release": {
        const { version, releaseCounter } = change.release;
        run(WRITE_RELEASE, version, releaseCounter, JSON.stringify(change.release));
        break;
      }
      case "dial":
        run("INSERT OR REPLACE INTO dials VALUES (?, ?)", change.dial.version, JSON.stringify(dialBody(change.dial)));
        break;
      case "override": {
        const { overrideId } = change.override;
        run("INSERT OR REPLACE INTO overrides VALUES (?, ?)", overrideId, JSON.stringify(change.override));
        break;
      }
      case "override-ended":
        run("DELETE FROM overrides WHERE override_id = ?", change.override.overrideId);
        break;
      case "brake":
        run("INSERT OR REPLACE INTO meta VALUES ('brake', ?)", JSON.stringify(change.brake));
        break;
      case "token": {
        const { tokenHash, expiresAtMs } = change.token;
        run("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", tokenHash, expiresAtMs, JSON.stringify(change.token));
        break;
      }
      case "manifest":
        run("INSERT OR IGNORE INTO manifests VALUES (?, ?)", change.digest, change.envelope);
        break;
      case "metadata": {
        const { role, version, bytes } = change.file;
        run("INSERT OR REPLACE INTO metadata_files (role, version, file) VALUES (?, ?, ?)", role, version, bytes);
        break;
      }
      case "metadata-dropped":
        run("DELETE FROM metadata_files WHERE role = ? AND version = ?", change.file.role, change.file.version);
        break;
      case "brake-statement": {
        const { statement, ...brake } = change.brake;
        const document = JSON.stringify(brake);
        run(
          "INSERT OR REPLACE INTO brake_statements VALUES (?, ?, ?, ?)",
          brake.digest,
          brake.expiresAtMs,
          document,
          statement,
        );
        break;
      }
      case "request": {
        const { requestId, requestHash, response, atMs } = change.request;
        run("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?)", requestId, requestHash, response, atMs);
        break;
      }
      case "totals":
        for (const [poolId, demand] of change.demandByPool) {
          run("INSERT OR REPLACE INTO totals VALUES (?, ?)", poolId, demand);
        }
        run("INSERT OR REPLACE INTO meta VALUES ('tally', ?)", JSON.stringify(change.tally));
        break;
      case "event":
        run("INSERT OR REPLACE INTO events VALUES (?, ?)", change.event.eventId, JSON.stringify(change.event));
        run("DELETE FROM events WHERE event_id <= (SELECT MAX(event_id) FROM events) - ?", EVENTS_KEPT);
        break;
      case "outcome":
      case "quarantined":
      case "readmitted":
        break;
    }
  };

  /** The last number of each log that was written to: nobody else appends. Forgotten where a batch was not written. */
  const lastSeqs = new Map<string, number>();
  const tail = new LeafTail();
  const append = (change: StoreChange, atMs: number, run: Run): LoggedLeaf | undefined => {
    const leaf = auditLeaf(change);
    if (leaf === undefined) return undefined;
    const { poolId, kind } = leaf;
    const { text, isCanonical } = bodyText(leaf.body);
    const last =
      lastSeqs.get(poolId) ??
      Number(prepare("SELECT MAX(seq) AS seq FROM audit WHERE pool_id = ?").get(poolId)?.["seq"]);
    const seq = last + 1;
    lastSeqs.set(poolId, seq);
    run("INSERT INTO audit VALUES (?, ?, ?, ?, ?)", poolId, seq, atMs, kind, text);
    return { poolId, seq, atMs, kind, body: text, isCanonical };
  };

  return {
    commit: ({ changes, atMs }: Batch) =>
      turns.take(async () => {
        try {
          const lasting = lastOf(changes);
          const leaves: LoggedLeaf[] = [];
          await writing(path, writer, async (run) => {
            for (const [n, change] of changes.entries()) {
              if (n > 0 && n % CHANGES_A_TURN === 0) await turn();
              if (lasting(change)) write(change, run);
              const leaf = append(change, atMs, run);
              if (leaf !== undefined) leaves.push(leaf);
            }
          });
          for (const leaf of leaves) tail.add(leaf);
        } catch (error) {
          lastSeqs.clear();
          throw error;
        }
      }),
    status: () =>
      turns.take(async () =>
        guarded("UNREADABLE", `the store at ${path} cannot be read`, () => {
          const tree = prepare("SELECT epoch, size, checkpoint FROM tree_state").get();
          return {
            engine: "sqlite" as const,
            replicas: [],
            pools: [],
            tree: {
              epoch: Number(tree?.["epoch"]),
              size: Number(tree?.["size"]),
              signedSize: signedSizeOf(tree?.["checkpoint"] as Uint8Array | null),
            },
          };
        }),
      ),
    load: () =>
      turns.take(async (): Promise<Snapshot> => {
        const nodes = await readNodes(db, path).catch((cause: unknown) => {
          throw new StoreError("UNREADABLE", `the store at ${path} cannot be read: ${(cause as Error).message}`, {
            cause,
          });
        });
        return guarded("UNREADABLE", `the store at ${path} cannot be read`, () => {
          const meta = new Map(
            all<{ key: string; value: string }>("SELECT key, value FROM meta").map((m) => [m.key, m.value]),
          );
          const brake = meta.get("brake");
          const tally = meta.get("tally");
          return {
            nodes,
            permits: documents<Permit>("SELECT permit AS document FROM permits"),
            releases: documents<Release>("SELECT release AS document FROM releases ORDER BY release_counter DESC"),
            dials: documents<Dial>("SELECT dial AS document FROM dials").map(storedDial),
            overrides: documents<Override>("SELECT override AS document FROM overrides"),
            brake: brake === undefined ? undefined : (JSON.parse(brake) as Snapshot["brake"]),
            tokens: documents<EnrollmentToken>("SELECT token AS document FROM tokens"),
            requests: all<{ request_id: string; request_hash: string; response: Uint8Array; at_ms: number }>(
              "SELECT * FROM requests",
            ).map((r) => ({
              requestId: r.request_id,
              requestHash: r.request_hash,
              response: r.response,
              atMs: r.at_ms,
            })),
            events: documents<FleetEvent>("SELECT event AS document FROM events ORDER BY event_id"),
            demandByPool: new Map(
              all<{ pool_id: string; demand_milli: number }>("SELECT * FROM totals").map((t) => [
                t.pool_id,
                t.demand_milli,
              ]),
            ),
            tally: tally === undefined ? undefined : (JSON.parse(tally) as Tally),
            metadata: all<MetadataFile>(
              "SELECT role, version, file AS bytes FROM metadata_files ORDER BY published",
            ).map((file) => ({ ...file })),
            brakeStatements: all<{ brake: string; statement: Uint8Array }>(
              "SELECT brake, statement FROM brake_statements ORDER BY digest",
            ).map(({ brake: said, statement }) => ({ ...(JSON.parse(said) as BrakeStatement), statement })),
          };
        });
      }),
    manifest: (digest) =>
      turns.take(async () =>
        guarded("UNREADABLE", `the store at ${path} cannot be read`, () => {
          const row = prepare("SELECT envelope FROM manifests WHERE digest = ?").get(digest);
          return row?.["envelope"] as Uint8Array | undefined;
        }),
      ),
    tidy: (nowMs) =>
      turns.take(async () => {
        await writing(path, writer, (run) => {
          run("DELETE FROM requests WHERE at_ms < ?", nowMs - REQUEST_KEEP_MS);
          run("DELETE FROM tokens WHERE expires_at_ms < ?", nowMs - TOKEN_KEEP_MS);
          run("DELETE FROM brake_statements WHERE expires_at_ms < ?", nowMs);
        });
        try {
          await writer.exec("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)");
        } catch (cause) {
          const why = (cause as Error).message;
          throw new StoreError("UNWRITABLE", `the store at ${path} cannot be tidied: ${why}`, { cause });
        }
      }),
    close: () =>
      turns.take(() =>
        treeTurns.take(async () => {
          await writer.close();
          db.close();
        }),
      ),
    tree: sqliteTree(db, path, treeTurns, writer, tail),
  };
}

/** Which changes of a batch need be written: of a node's states, and of the tallies, only the last outlives it. */
function lastOf(changes: readonly StoreChange[]): (change: StoreChange) => boolean {
  const last = new Map<string, StoreChange>();
  let tally: StoreChange | undefined;
  for (const change of changes) {
    if (change.kind === "node") last.set(change.nodeId, change);
    if (change.kind === "totals") tally = change;
  }
  return (change) => {
    if (change.kind === "node") return last.get(change.nodeId) === change;
    return change.kind !== "totals" || change.demandByPool.size > 0 || change === tally;
  };
}
