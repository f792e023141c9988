/** The tree's tables in SQLite. Every write looks at the epoch and the size in its own transaction. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { StoreError } from "../port.ts";
import type { Growth, LoggedLeaf, TreeState, TreeStore } from "../tree.ts";
import type { Turns } from "../turns.ts";
import type { LeafTail } from "./leaf-tail.ts";
import { guarded } from "./open.ts";
import { type Run, type Writer, writing } from "./writer.ts";

interface StateRow {
  readonly epoch: number;
  readonly size: number;
  readonly checkpoint: Uint8Array | null;
}

/**
 * The tree over an open database; `path` is for its errors. Its writes are one after another, and nobody else writes its
 * tables: batches need not wait for it. `tail` has the last leaves that were written.
 */
export function sqliteTree(db: DatabaseSync, path: string, turns: Turns, writer: Writer, tail: LeafTail): TreeStore {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  const reading = <T>(work: () => T): Promise<T> =>
    turns.take(async () => guarded("UNREADABLE", `the store at ${path} cannot be read`, work));

  const state = (): StateRow => prepare("SELECT epoch, size, checkpoint FROM tree_state").get() as unknown as StateRow;

  /** In one transaction; under an epoch only as long as it is the newest. No other writes the tree meanwhile: it is a turn. */
  const changing = <T>(epoch: number | undefined, work: (state: StateRow, run: Run) => T): Promise<T> =>
    turns.take(() =>
      writing(path, writer, (run) => {
        const now = guarded("UNREADABLE", `the store at ${path} cannot be read`, state);
        if (epoch !== undefined && now.epoch !== epoch) {
          throw new StoreError(
            "FENCED",
            `the store at ${path} has another sequencer: epoch ${now.epoch}, not ${epoch}`,
          );
        }
        return work(now, run);
      }),
    );

  /** The pools that have a log, one step of the index each: counting its rows would take as long as the log is. */
  const pools = (): readonly string[] => {
    const next = prepare("SELECT MIN(pool_id) AS pool FROM audit WHERE pool_id > ?");
    const found: string[] = [];
    for (let pool: unknown = next.get("")?.["pool"]; typeof pool === "string"; pool = next.get(pool)?.["pool"]) {
      found.push(pool);
    }
    return found;
  };

  return {
    claim: () =>
      changing(undefined, ({ epoch, size, checkpoint }, run): TreeState => {
        run("UPDATE tree_state SET epoch = ?", epoch + 1);
        return { epoch: epoch + 1, size, checkpoint: checkpoint ?? undefined };
      }),
    unplaced: (countMax) =>
      reading(() => {
        const waiting = pools().flatMap((poolId) => {
          const placed = Number(prepare("SELECT seq FROM tree_pools WHERE pool_id = ?").get(poolId)?.["seq"] ?? 0);
          const last = Number(prepare("SELECT MAX(seq) AS seq FROM audit WHERE pool_id = ?").get(poolId)?.["seq"]);
          return last > placed ? [{ poolId, placed }] : [];
        });
        const share = Math.ceil(countMax / Math.max(1, waiting.length));
        return waiting.flatMap(
          ({ poolId, placed }) =>
            tail.after(poolId, placed, share) ??
            prepare(
              "SELECT pool_id AS poolId, seq, at_ms AS atMs, kind, leaf AS body FROM audit " +
                "WHERE pool_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            )
              .all(poolId, placed, share)
              .map((row) => ({ ...row }) as unknown as LoggedLeaf),
        );
      }),
    async grow(epoch, { size, leaves, tiles, bodies }: Growth) {
      const placed = new Map<string, number>();
      await changing(epoch, (now, run) => {
        if (now.size !== size) throw new Error(`the tree has ${now.size} leaves, not ${size}`);
        for (const [n, { poolId, seq, entry }] of leaves.entries()) {
          run("INSERT INTO tree_leaves VALUES (?, ?, ?, ?)", size + n, poolId, seq, entry);
          placed.set(poolId, seq);
        }
        for (const [poolId, seq] of placed) run("INSERT OR REPLACE INTO tree_pools VALUES (?, ?)", poolId, seq);
        for (const { level, index, hashes } of tiles) {
          run("INSERT OR REPLACE INTO tree_tiles VALUES (?, ?, ?)", level, index, hashes);
        }
        for (const { digest, bytes } of bodies) run("INSERT OR IGNORE INTO tree_bodies VALUES (?, ?)", digest, bytes);
        run("UPDATE tree_state SET size = ?", size + leaves.length);
      });
      for (const [poolId, seq] of placed) tail.forget(poolId, seq);
    },
    keepCheckpoint: (epoch, note) => changing(epoch, (_, run) => run("UPDATE tree_state SET checkpoint = ?", note)),
    tile: (level, index) =>
      reading(() => {
        const row = prepare("SELECT hashes FROM tree_tiles WHERE level = ? AND tile_index = ?").get(level, index);
        return row?.["hashes"] as Uint8Array | undefined;
      }),
    entries: (first, count) =>
      reading(() =>
        prepare("SELECT entry FROM tree_leaves WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index")
          .all(first, first + count)
          .map((row) => row["entry"] as Uint8Array),
      ),
    body: (digest) =>
      reading(() => {
        const row = prepare("SELECT body FROM tree_bodies WHERE digest = ?").get(digest);
        return row?.["body"] as Uint8Array | undefined;
      }),
  };
}
