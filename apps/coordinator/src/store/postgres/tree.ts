/** The tree's tables in PostgreSQL. Every write holds the row of the state, and looks at its epoch and size. */
import { type Kysely, sql } from "kysely";
import type { Sql, TransactionSql } from "postgres";
import { FLEET_LOG } from "../audit-leaf.ts";
import { StoreError } from "../port.ts";
import type { Growth, TreeState, TreeStore } from "../tree.ts";
import { guarded } from "./connect.ts";
import { retrying } from "./retry.ts";
import type { PostgresTables } from "./tables.ts";

interface StateRow {
  readonly epoch: string;
  readonly size: string;
}

/** What the tree works with. */
export interface PostgresTreeParts {
  /** A pool of connections, and the same for queries. */
  readonly client: Sql;
  readonly db: Kysely<PostgresTables>;
  /** The store, for errors. */
  readonly name: string;
  /**
   * Who has to hold what concerns no pool to take the tree over; undefined where that is divided. One that was taken over from
   * and does not know it yet would shut the log of the one that decides.
   */
  readonly owner: string | undefined;
}

/** The tree over a pool of connections. */
export function postgresTree({ client, db, name, owner }: PostgresTreeParts): TreeStore {
  const reading = <T>(work: () => Promise<T>): Promise<T> =>
    guarded("UNREADABLE", `the store at ${name} cannot be read`, work);

  /** In one transaction, and only as long as the epoch is the newest. */
  const writing = (epoch: number, work: (tx: TransactionSql, size: number) => Promise<unknown>): Promise<void> =>
    retrying(`the store at ${name} cannot be written`, async () => {
      await client.begin(async (tx) => {
        const [now] = await tx<StateRow[]>`SELECT epoch, size FROM tree_state FOR UPDATE`;
        if (Number(now?.epoch) !== epoch) {
          const why = `epoch ${now?.epoch}, not ${epoch}`;
          throw new StoreError("FENCED", `the store at ${name} has another sequencer: ${why}`);
        }
        await work(tx, Number(now?.size));
      });
    });

  return {
    claim: () =>
      retrying(`the store at ${name} cannot be written`, async (): Promise<TreeState> => {
        const [row] = await client<(StateRow & { readonly checkpoint: Buffer | null })[]>`
          UPDATE tree_state SET epoch = epoch + 1
          WHERE ${owner === undefined} OR EXISTS (
            SELECT 1 FROM pool_owner WHERE pool_id = ${FLEET_LOG} AND pool_owner.owner = ${owner ?? ""} FOR SHARE
          )
          RETURNING epoch, size, checkpoint`;
        if (row === undefined) {
          throw new StoreError("FENCED", `the store at ${name} is another coordinator's: its log is not taken over`);
        }
        return { epoch: Number(row.epoch), size: Number(row.size), checkpoint: row.checkpoint ?? undefined };
      }),
    unplaced: (countMax) =>
      reading(async () => {
        const waiting = await waitingPools(client);
        const share = Math.ceil(countMax / Math.max(1, waiting.length));
        const rows = await client<{ pool_id: string; seq: string; at_ms: string; kind: string; leaf: string }[]>`
          SELECT leaf.* FROM unnest(${waiting.map(({ pool_id }) => pool_id)}::text[], ${waiting.map(({ placed }) => placed)}::bigint[])
            AS waiting (pool_id, placed), LATERAL (
              SELECT pool_id, seq, at_ms, kind, leaf FROM audit
              WHERE audit.pool_id = waiting.pool_id AND seq > waiting.placed ORDER BY seq LIMIT ${share}
            ) AS leaf
          ORDER BY leaf.pool_id, leaf.seq`;
        return rows.map((row) => ({
          poolId: row.pool_id,
          seq: Number(row.seq),
          atMs: Number(row.at_ms),
          kind: row.kind,
          body: row.leaf,
        }));
      }),
    grow: (epoch, { size, leaves, tiles, bodies }: Growth) =>
      writing(epoch, async (tx, now) => {
        if (now !== size) throw new Error(`the tree has ${now} leaves, not ${size}`);
        const last = new Map(leaves.map(({ poolId, seq }) => [poolId, seq]));
        await Promise.all([
          tx`INSERT INTO tree_leaves (leaf_index, pool_id, seq, entry)
            SELECT leaf_index, pool_id, seq, decode(entry, 'hex')
            FROM unnest(${leaves.map((_, n) => size + n)}::bigint[], ${leaves.map(({ poolId }) => poolId)}::text[],
              ${leaves.map(({ seq }) => seq)}::bigint[], ${leaves.map(({ entry }) => hex(entry))}::text[])
              AS new (leaf_index, pool_id, seq, entry)`,
          tx`INSERT INTO tree_pools (pool_id, seq)
            SELECT * FROM unnest(${[...last.keys()]}::text[], ${[...last.values()]}::bigint[])
            ON CONFLICT (pool_id) DO UPDATE SET seq = excluded.seq`,
          tx`INSERT INTO tree_tiles (level, tile_index, hashes)
            SELECT level, tile_index, decode(hashes, 'hex')
            FROM unnest(${tiles.map(({ level }) => level)}::integer[], ${tiles.map(({ index }) => index)}::bigint[],
              ${tiles.map(({ hashes }) => hex(hashes))}::text[]) AS new (level, tile_index, hashes)
            ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes`,
          ...bodies.map(
            ({ digest, bytes }) =>
              tx`INSERT INTO tree_bodies (digest, body) VALUES (${digest}, ${Buffer.from(bytes)}) ON CONFLICT DO NOTHING`,
          ),
          tx`UPDATE tree_state SET size = ${size + leaves.length}`,
        ]);
      }),
    keepCheckpoint: (epoch, note) =>
      writing(epoch, (tx) => tx`UPDATE tree_state SET checkpoint = ${Buffer.from(note)}`.execute()),
    tile: (level, index) =>
      reading(async () => {
        const tile = db.selectFrom("tree_tiles").select("hashes").where("level", "=", level);
        return (await tile.where(sql<boolean>`tile_index = ${index}`).executeTakeFirst())?.hashes;
      }),
    entries: (first, count) =>
      reading(async () => {
        const rows = await db
          .selectFrom("tree_leaves")
          .select("entry")
          .where(sql<boolean>`leaf_index >= ${first} AND leaf_index < ${first + count}`)
          .orderBy("leaf_index")
          .execute();
        return rows.map(({ entry }) => entry);
      }),
    body: (digest) =>
      reading(async () => {
        const row = await db.selectFrom("tree_bodies").select("body").where("digest", "=", digest).executeTakeFirst();
        return row?.body;
      }),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The pools that have leaves without a place: one step of the index for each pool, and one for its end. */
async function waitingPools(client: Sql): Promise<readonly { readonly pool_id: string; readonly placed: string }[]> {
  return client<{ pool_id: string; placed: string }[]>`
    WITH RECURSIVE pools AS (
      (SELECT pool_id FROM audit ORDER BY pool_id LIMIT 1)
      UNION ALL
      SELECT (SELECT audit.pool_id FROM audit WHERE audit.pool_id > pools.pool_id ORDER BY audit.pool_id LIMIT 1)
      FROM pools WHERE pools.pool_id IS NOT NULL
    ), ends AS (
      SELECT pool_id, COALESCE((SELECT seq FROM tree_pools WHERE tree_pools.pool_id = pools.pool_id), 0) AS placed,
        (SELECT max(seq) FROM audit WHERE audit.pool_id = pools.pool_id) AS last
      FROM pools WHERE pool_id IS NOT NULL
    )
    SELECT pool_id, placed FROM ends WHERE last > placed ORDER BY pool_id`;
}
