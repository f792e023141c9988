/**
 * What release 0.1.0 does to its store, statement by statement: its tables, its writes and its reads. It stands here so that
 * a later version can be held against a store of that release, and that release against a store of a later version.
 */

/** Its one migration; `user_version` is 1 after it. */
export const TABLES_0_1_0 = `
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
  
`;

/** Its pragmas at the start. */
export const PRAGMAS_0_1_0 =
  "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";

/** Its writes, with values that fit. */
export const WRITES_0_1_0: readonly (readonly [string, ...(string | number | Uint8Array)[]])[] = [
  ["INSERT OR IGNORE INTO meta VALUES ('network', ?)", "demo"],
  ["INSERT OR IGNORE INTO nodes VALUES (?, ?, NULL)", "old", JSON.stringify({ nodeId: "old", poolId: "home" })],
  ["UPDATE nodes SET state = ? WHERE node_id = ?", JSON.stringify({ sequence: 41 }), "old"],
  ["INSERT OR REPLACE INTO permits VALUES (?, ?, ?)", "old", "permit-old", JSON.stringify({ permitId: "permit-old" })],
  ["DELETE FROM permits WHERE permit_id = ?", "permit-gone"],
  ["INSERT OR REPLACE INTO releases VALUES (?, ?, ?)", "1.0.0", 1, JSON.stringify({ version: "1.0.0" })],
  [
    "INSERT OR REPLACE INTO dials VALUES (?, ?)",
    "1.0.0",
    JSON.stringify({ version: "1.0.0", setting: { kind: "nobody" } }),
  ],
  ["INSERT OR REPLACE INTO overrides VALUES (?, ?)", "override-old", JSON.stringify({ overrideId: "override-old" })],
  ["DELETE FROM overrides WHERE override_id = ?", "override-gone"],
  ["INSERT OR REPLACE INTO meta VALUES ('brake', ?)", JSON.stringify({ engaged: true, reason: "old" })],
  ["INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", "token-old", 5, JSON.stringify({ tokenHash: "token-old" })],
  ["INSERT OR IGNORE INTO manifests VALUES (?, ?)", "digest-old", new Uint8Array([1])],
  ["INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?)", "request-old", "hash", new Uint8Array([2]), 6],
  ["INSERT OR REPLACE INTO totals VALUES (?, ?)", "home", 7],
  ["INSERT OR REPLACE INTO meta VALUES ('tally', ?)", JSON.stringify({ committed: 1 })],
  [
    "INSERT INTO audit SELECT ?1, COALESCE(MAX(seq), 0) + 1, ?2, ?3, ?4 FROM audit WHERE pool_id = ?1",
    "home",
    1,
    "enrolled",
    "{}",
  ],
];

/** Its reads. */
export const READS_0_1_0: readonly string[] = [
  "SELECT key, value FROM meta",
  "SELECT identity, state FROM nodes",
  "SELECT permit AS document FROM permits",
  "SELECT release AS document FROM releases ORDER BY release_counter DESC",
  "SELECT dial AS document FROM dials",
  "SELECT override AS document FROM overrides",
  "SELECT token AS document FROM tokens",
  "SELECT * FROM requests",
  "SELECT * FROM totals",
  "SELECT envelope FROM manifests",
];
