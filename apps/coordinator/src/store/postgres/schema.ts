/**
 * PostgreSQL's tables, as numbered steps. Every step only adds, so that the version before goes on working on the same
 * tables while replicas are replaced one by one: a new table, a new index, a new column that may be null or has a default,
 * a function under a new name. Each statement can be run twice. Never change a step that was released.
 *
 * What cannot be done so needs a new `SCHEMA`: a coordinator refuses a schema newer than its own, and goes on with steps
 * that it does not know.
 */

/** Raised only by a change that older coordinators cannot work with. */
export const SCHEMA = 1;

/** SQLSTATE that `moult_hold` raises. */
export const FENCED_STATE = "MO001";

/** Steps by name, in the order of their names. */
export const STEPS: Readonly<Record<string, readonly string[]>> = {
  "0001-ledger": [
    `CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value text NOT NULL)`,
    // Room on each page, so that a node's new state stands where the old one did and no index has to be written.
    `CREATE TABLE IF NOT EXISTS nodes (
      node_id text PRIMARY KEY, pool_id text NOT NULL, identity text NOT NULL, state text
    ) WITH (fillfactor = 70)`,
    `CREATE INDEX IF NOT EXISTS nodes_by_pool ON nodes (pool_id)`,
    `CREATE TABLE IF NOT EXISTS permits (
      node_id text PRIMARY KEY, permit_id text NOT NULL UNIQUE, pool_id text NOT NULL, permit text NOT NULL
    )`,
    `CREATE TABLE IF NOT EXISTS releases (
      version text PRIMARY KEY, release_counter bigint NOT NULL, release text NOT NULL
    )`,
    `CREATE TABLE IF NOT EXISTS manifests (digest text PRIMARY KEY, envelope bytea NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS dials (version text PRIMARY KEY, dial text NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS overrides (
      override_id text PRIMARY KEY, pool_id text NOT NULL, override text NOT NULL
    )`,
    `CREATE TABLE IF NOT EXISTS tokens (token_hash text PRIMARY KEY, expires_at_ms bigint NOT NULL, token text NOT NULL)`,
    // The id is kept as a JSON string: it comes from a client, and text here cannot hold every character.
    `CREATE TABLE IF NOT EXISTS requests (
      request_id text PRIMARY KEY, request_hash text NOT NULL, response bytea NOT NULL, at_ms bigint NOT NULL
    )`,
    `CREATE TABLE IF NOT EXISTS totals (pool_id text PRIMARY KEY, demand_milli bigint NOT NULL)`,
    // The key is the last line of defence: two who decide on the same state write the same place, and one of them fails.
    `CREATE TABLE IF NOT EXISTS audit (
      pool_id text NOT NULL, seq bigint NOT NULL, at_ms bigint NOT NULL, kind text NOT NULL, leaf text NOT NULL,
      CONSTRAINT audit_place PRIMARY KEY (pool_id, seq)
    )`,
  ],
  "0002-tree": [
    `CREATE TABLE IF NOT EXISTS tree_state (
      id integer PRIMARY KEY CHECK (id = 1), epoch bigint NOT NULL, size bigint NOT NULL, checkpoint bytea
    )`,
    `INSERT INTO tree_state (id, epoch, size) VALUES (1, 0, 0) ON CONFLICT DO NOTHING`,
    `CREATE TABLE IF NOT EXISTS tree_leaves (
      leaf_index bigint PRIMARY KEY, pool_id text NOT NULL, seq bigint NOT NULL, entry bytea NOT NULL, UNIQUE (pool_id, seq)
    )`,
    `CREATE TABLE IF NOT EXISTS tree_pools (pool_id text PRIMARY KEY, seq bigint NOT NULL)`,
    `CREATE TABLE IF NOT EXISTS tree_tiles (
      level integer NOT NULL, tile_index bigint NOT NULL, hashes bytea NOT NULL, PRIMARY KEY (level, tile_index)
    )`,
    `CREATE TABLE IF NOT EXISTS tree_bodies (digest text PRIMARY KEY, body bytea NOT NULL)`,
  ],
  "0003-ownership": [
    `CREATE TABLE IF NOT EXISTS replicas (
      owner text PRIMARY KEY, address text NOT NULL, lease_until timestamptz NOT NULL
    )`,
    `CREATE TABLE IF NOT EXISTS pool_owner (pool_id text PRIMARY KEY, owner text NOT NULL, epoch bigint NOT NULL)`,
    // Locks the pools' rows until the transaction ends, so that who takes over waits for it; fails where somebody has.
    `CREATE OR REPLACE FUNCTION moult_hold(by text, pools text[], epochs bigint[]) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
      held integer;
    BEGIN
      PERFORM 1 FROM pool_owner JOIN unnest(pools, epochs) AS claimed (pool_id, epoch)
        ON pool_owner.pool_id = claimed.pool_id AND pool_owner.epoch = claimed.epoch AND pool_owner.owner = by
        FOR SHARE OF pool_owner;
      GET DIAGNOSTICS held = ROW_COUNT;
      IF held <> cardinality(pools) THEN
        RAISE EXCEPTION 'another coordinator has taken over' USING ERRCODE = '${FENCED_STATE}';
      END IF;
    END $$`,
  ],
  "0004-trust": [
    `CREATE TABLE IF NOT EXISTS metadata_files (
      role text NOT NULL, version bigint NOT NULL, published bigint NOT NULL UNIQUE, file bytea NOT NULL,
      PRIMARY KEY (role, version)
    )`,
    `CREATE TABLE IF NOT EXISTS brake_statements (
      digest text PRIMARY KEY, expires_at_ms bigint NOT NULL, brake text NOT NULL, statement bytea NOT NULL
    )`,
  ],
  "0005-events": [`CREATE TABLE IF NOT EXISTS events (event_id bigint PRIMARY KEY, event text NOT NULL)`],
  "0006-replicas": [
    `ALTER TABLE replicas ADD COLUMN IF NOT EXISTS name text NOT NULL DEFAULT ''`,
    `ALTER TABLE replicas ADD COLUMN IF NOT EXISTS artifacts text NOT NULL DEFAULT ''`,
  ],
};
