/** The tables, as numbered migrations: a store of an older number is brought forward, one of a newer number is refused. */

/** Each string is one migration; `user_version` counts how many have run. Never change one that was released. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE nodes (
    node_id TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    state TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE permits (
    node_id TEXT PRIMARY KEY,
    permit_id TEXT NOT NULL UNIQUE,
    permit TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE releases (
    version TEXT PRIMARY KEY,
    release_counter INTEGER NOT NULL UNIQUE,
    release TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE manifests (digest TEXT PRIMARY KEY, envelope BLOB NOT NULL) STRICT;
  CREATE TABLE dials (version TEXT PRIMARY KEY, dial TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE overrides (override_id TEXT PRIMARY KEY, override TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE tokens (
    token_hash TEXT PRIMARY KEY,
    expires_at_ms INTEGER NOT NULL,
    token TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    request_hash TEXT NOT NULL,
    response BLOB NOT NULL,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE totals (pool_id TEXT PRIMARY KEY, demand_milli INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE audit (
    pool_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    leaf TEXT NOT NULL,
    PRIMARY KEY (pool_id, seq)
  ) STRICT, WITHOUT ROWID;
  `,
];

/**
 * What was added beside the tables above, numbered apart in `meta`: nothing here changes what an earlier version knows of a
 * table, so that version goes on working with the store, and what it wrote is caught up with by the next. The audit log
 * that it appends to gets its place in the tree then.
 *
 * The fourth lays the nodes out anew, with the same columns and the same key. In the order of its key, a table without row
 * ids puts all of a row that is beyond a quarter of a page on a page of its own, and that is every node that ever asked: an
 * ask wrote two pages, and the file was three times as large.
 */
export const ADDITIONS: readonly string[] = [
  `
  CREATE TABLE tree_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    size INTEGER NOT NULL,
    checkpoint BLOB
  ) STRICT;
  INSERT INTO tree_state VALUES (1, 0, 0, NULL);
  CREATE TABLE tree_leaves (
    leaf_index INTEGER PRIMARY KEY,
    pool_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    entry BLOB NOT NULL,
    UNIQUE (pool_id, seq)
  ) STRICT;
  CREATE TABLE tree_pools (pool_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE tree_tiles (
    level INTEGER NOT NULL,
    tile_index INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, tile_index)
  ) STRICT;
  CREATE TABLE tree_bodies (digest TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
  `,
  `
  CREATE TABLE metadata_files (
    published INTEGER PRIMARY KEY AUTOINCREMENT,
    role TEXT NOT NULL,
    version INTEGER NOT NULL,
    file BLOB NOT NULL,
    UNIQUE (role, version)
  ) STRICT;
  CREATE TABLE brake_statements (
    digest TEXT PRIMARY KEY,
    expires_at_ms INTEGER NOT NULL,
    brake TEXT NOT NULL,
    statement BLOB NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE events (event_id INTEGER PRIMARY KEY, event TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE nodes_by_row (
    node_id TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    state TEXT
  ) STRICT;
  INSERT INTO nodes_by_row SELECT node_id, identity, state FROM nodes ORDER BY node_id;
  DROP TABLE nodes;
  ALTER TABLE nodes_by_row RENAME TO nodes;
  `,
];
