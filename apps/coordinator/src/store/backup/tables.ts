/**
 * What a backup holds: every table's rows as both engines know them. What one engine alone keeps beside them is made anew
 * where it is restored. Pure.
 */

/** What a column holds. */
export type ColumnKind = "text" | "integer" | "bytes";

/** A row as it stands in a backup: bytes as base64. */
export type BackupRow = Readonly<Record<string, string | number | null>>;

/** A row as it goes to or comes from an engine. */
export type EngineRow = Readonly<Record<string, unknown>>;

/** Columns by table, in the order in which they are written. A table that is added to the store is added here. */
export const BACKUP_TABLES: Readonly<Record<string, Readonly<Record<string, ColumnKind>>>> = {
  meta: { key: "text", value: "text" },
  tree_state: { id: "integer", epoch: "integer", size: "integer", checkpoint: "bytes" },
  tree_tiles: { level: "integer", tile_index: "integer", hashes: "bytes" },
  nodes: { node_id: "text", identity: "text", state: "text" },
  permits: { node_id: "text", permit_id: "text", permit: "text" },
  releases: { version: "text", release_counter: "integer", release: "text" },
  manifests: { digest: "text", envelope: "bytes" },
  dials: { version: "text", dial: "text" },
  overrides: { override_id: "text", override: "text" },
  tokens: { token_hash: "text", expires_at_ms: "integer", token: "text" },
  requests: { request_id: "text", request_hash: "text", response: "bytes", at_ms: "integer" },
  metadata_files: { published: "integer", role: "text", version: "integer", file: "bytes" },
  brake_statements: { digest: "text", expires_at_ms: "integer", brake: "text", statement: "bytes" },
  events: { event_id: "integer", event: "text" },
  totals: { pool_id: "text", demand_milli: "integer" },
  audit: { pool_id: "text", seq: "integer", at_ms: "integer", kind: "text", leaf: "text" },
  tree_pools: { pool_id: "text", seq: "integer" },
  tree_leaves: { leaf_index: "integer", pool_id: "text", seq: "integer", entry: "bytes" },
  tree_bodies: { digest: "text", body: "bytes" },
};

/** Keys of `meta` that are the store's own, not the fleet's. */
export const OWN_META: ReadonlySet<string> = new Set(["network", "schema", "additions"]);

/** A row of an engine for the backup. */
export function backupRow(table: string, row: EngineRow, engine: "sqlite" | "postgres"): BackupRow {
  const entries = Object.entries(BACKUP_TABLES[table] ?? {}).map(([column, kind]): [string, string | number | null] => {
    const value = row[column];
    if (value === null) return [column, null];
    if (kind === "bytes") return [column, Buffer.from(value as Uint8Array).toString("base64")];
    return [column, kind === "integer" ? Number(value) : (value as string)];
  });
  const plain = Object.fromEntries(entries);
  if (table === "releases") return { ...plain, release_counter: counterOf(plain["release"]) };
  // PostgreSQL keeps what a client chose as JSON.
  if (table !== "requests" || engine === "sqlite") return plain;
  return { ...plain, request_id: JSON.parse(String(plain["request_id"])) as string };
}

/** The counter in the document is the one that counts; what SQLite keeps beside it has to be unique there. */
function counterOf(release: unknown): number {
  return (JSON.parse(String(release)) as { readonly releaseCounter: number }).releaseCounter;
}

/** A row of a backup for an engine; undefined where the engine keeps it itself. A restored tree is under a new epoch. */
export function engineRow(table: string, row: BackupRow, engine: "sqlite" | "postgres"): EngineRow | undefined {
  if (table === "meta" && OWN_META.has(String(row["key"]))) return undefined;
  const columns = Object.entries(BACKUP_TABLES[table] ?? {});
  const values: Record<string, unknown> = Object.fromEntries(
    columns.map(([column, kind]) => {
      const value = row[column] ?? null;
      return [column, kind === "bytes" && value !== null ? Buffer.from(String(value), "base64") : value];
    }),
  );
  if (table === "tree_state") values["epoch"] = Number(values["epoch"]) + 1;
  if (engine === "sqlite") return values;
  if (table === "requests") values["request_id"] = JSON.stringify(values["request_id"]);
  const documents: Readonly<Record<string, string>> = { nodes: "identity", permits: "permit", overrides: "override" };
  const document = documents[table];
  if (document !== undefined) {
    values["pool_id"] = (JSON.parse(String(values[document])) as { readonly poolId: string }).poolId;
  }
  return values;
}
