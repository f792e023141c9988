/**
 * A batch as statements: few texts that never differ, each prepared once, with columns as arrays. Long columns are cut, so
 * that no statement holds the process for long. Pure.
 */
import { EVENTS_KEPT } from "../../anomalies/kinds.ts";
import type { AuditLeaf } from "../audit-leaf.ts";
import type { Gathered } from "./gather.ts";
import type { Holding } from "./ownership.ts";

/** A statement and its values. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (readonly (string | number | Uint8Array)[] | string | number | Uint8Array)[];
}

// The driver takes an array of bytes for bytes: where there are many, they go as hexadecimal digits.

/**
 * Between the texts of a column that goes as one: JSON, in which this character never stands as itself (RFC 8259, 7). As an array
 * each quotation mark in it would be escaped here, sent twice as long and read back there; states and leaves are most of a batch.
 */
const JOINED_BY = "\u001f";

/** Rows a statement: some milliseconds of this process's time, and of the server's. */
const ROWS_MAX = 1_000;

const HOLD = "SELECT moult_hold($1, $2::text[], $3::bigint[])";
const ENROL = `INSERT INTO nodes (node_id, pool_id, identity)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING`;
const STATES = `UPDATE nodes SET state = new.state
  FROM unnest($1::text[], string_to_array($2::text, chr(31))) AS new (node_id, state) WHERE nodes.node_id = new.node_id`;
const PERMITS_END = "DELETE FROM permits WHERE permit_id = ANY($1::text[])";
const PERMITS_PUT = `INSERT INTO permits (node_id, permit_id, pool_id, permit)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
  ON CONFLICT (node_id) DO UPDATE SET permit_id = excluded.permit_id, pool_id = excluded.pool_id, permit = excluded.permit`;
const RELEASES = `INSERT INTO releases (version, release_counter, release)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
  ON CONFLICT (version) DO UPDATE SET release_counter = excluded.release_counter, release = excluded.release`;
const DIALS = `INSERT INTO dials (version, dial) SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (version) DO UPDATE SET dial = excluded.dial`;
const OVERRIDES_END = "DELETE FROM overrides WHERE override_id = ANY($1::text[])";
const OVERRIDES_PUT = `INSERT INTO overrides (override_id, pool_id, override)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
  ON CONFLICT (override_id) DO UPDATE SET pool_id = excluded.pool_id, override = excluded.override`;
const TOKENS = `INSERT INTO tokens (token_hash, expires_at_ms, token)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])
  ON CONFLICT (token_hash) DO UPDATE SET expires_at_ms = excluded.expires_at_ms, token = excluded.token`;
const MANIFEST = "INSERT INTO manifests (digest, envelope) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const METADATA_END = `DELETE FROM metadata_files
  WHERE (role, version) IN (SELECT * FROM unnest($1::text[], $2::bigint[]))`;
// One writer at a time, under the fleet's epoch: the next number is nobody else's.
const METADATA_PUT = `INSERT INTO metadata_files (role, version, published, file)
  SELECT $1::text, $2::bigint, COALESCE(max(published), 0) + 1, $3::bytea FROM metadata_files`;
const BRAKE_STATEMENT = `INSERT INTO brake_statements (digest, expires_at_ms, brake, statement) VALUES ($1, $2, $3, $4)
  ON CONFLICT (digest) DO UPDATE
    SET expires_at_ms = excluded.expires_at_ms, brake = excluded.brake, statement = excluded.statement`;
const EVENTS = `INSERT INTO events (event_id, event) SELECT * FROM unnest($1::bigint[], $2::text[])
  ON CONFLICT (event_id) DO UPDATE SET event = excluded.event`;
const EVENTS_END = "DELETE FROM events WHERE event_id <= (SELECT max(event_id) FROM events) - $1::bigint";
const REQUESTS = `INSERT INTO requests (request_id, request_hash, response, at_ms)
  SELECT request_id, request_hash, decode(response, 'hex'), at_ms
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS new (request_id, request_hash, response, at_ms)
  ON CONFLICT DO NOTHING`;
const TOTALS = `INSERT INTO totals (pool_id, demand_milli) SELECT * FROM unnest($1::text[], $2::bigint[])
  ON CONFLICT (pool_id) DO UPDATE SET demand_milli = excluded.demand_milli`;
const META = `INSERT INTO meta (key, value) SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (key) DO UPDATE SET value = excluded.value`;
const AUDIT = `INSERT INTO audit (pool_id, seq, at_ms, kind, leaf)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], string_to_array($5::text, chr(31)))`;

/** The first statement of a batch: fails unless every pool that it touches is still its owner's. */
export function holdStatement(owner: string, held: ReadonlyMap<string, Holding>): Statement {
  return { text: HOLD, values: [owner, [...held.keys()], [...held.values()].map(({ epoch }) => epoch)] };
}

/** The statements of a batch, one after another: whoever sends them may pause in between. */
export function* rowStatements(rows: Gathered): Generator<Statement> {
  yield* chunked(ENROL, [...rows.enrolled], [([id]) => id, ([, row]) => row.poolId, ([, row]) => row.identity]);
  yield* chunked(STATES, [...rows.states], [([id]) => id], ([, state]) => state);
  yield* chunked(PERMITS_END, [...rows.permitIds], [(id) => id]);
  yield* chunked(
    PERMITS_PUT,
    [...rows.permits],
    [([id]) => id, ([, row]) => row.permitId, ([, row]) => row.poolId, ([, row]) => row.permit],
  );
  yield* chunked(
    RELEASES,
    [...rows.releases],
    [([version]) => version, ([, row]) => row.releaseCounter, ([, { release }]) => release],
  );
  yield* chunked(DIALS, [...rows.dials], [([version]) => version, ([, dial]) => dial]);
  const ended = [...rows.overrides].flatMap(([id, row]) => (row === undefined ? [id] : []));
  const put = [...rows.overrides].flatMap(([id, row]) => (row === undefined ? [] : [{ id, ...row }]));
  yield* chunked(OVERRIDES_END, ended, [(id) => id]);
  yield* chunked(OVERRIDES_PUT, put, [({ id }) => id, ({ poolId }) => poolId, ({ override }) => override]);
  yield* chunked(TOKENS, [...rows.tokens], [([hash]) => hash, ([, row]) => row.expiresAtMs, ([, row]) => row.token]);
  for (const [digest, envelope] of rows.manifests) yield { text: MANIFEST, values: [digest, envelope] };
  yield* chunked(METADATA_END, [...rows.metadataGone.values()], [({ role }) => role, ({ version }) => version]);
  for (const { role, version, bytes } of rows.metadata.values()) {
    yield { text: METADATA_PUT, values: [role, version, bytes] };
  }
  for (const { statement, ...brake } of rows.brakeStatements.values()) {
    yield { text: BRAKE_STATEMENT, values: [brake.digest, brake.expiresAtMs, JSON.stringify(brake), statement] };
  }
  yield* chunked(EVENTS, [...rows.events], [([eventId]) => eventId, ([, event]) => event]);
  if (rows.events.size > 0) yield { text: EVENTS_END, values: [EVENTS_KEPT] };
  yield* chunked(
    REQUESTS,
    [...rows.requests.values()],
    [
      (r) => JSON.stringify(r.requestId),
      (r) => r.requestHash,
      (r) => Buffer.from(r.response).toString("hex"),
      (r) => r.atMs,
    ],
  );
  yield* chunked(TOTALS, [...rows.totals], [([poolId]) => poolId, ([, demand]) => demand]);
  yield* chunked(META, [...rows.meta], [([key]) => key, ([, value]) => value]);
}

/** A leaf with its place in its pool's log. */
export interface PlacedLeaf extends AuditLeaf {
  readonly seq: number;
}

/** The places of a batch's leaves, and where each log ends with it. */
export function place(
  leaves: readonly AuditLeaf[],
  held: ReadonlyMap<string, Holding>,
): { readonly placed: readonly PlacedLeaf[]; readonly lastSeqs: ReadonlyMap<string, number> } {
  const lastSeqs = new Map<string, number>();
  const placed = leaves.map((leaf) => {
    const seq = (lastSeqs.get(leaf.poolId) ?? held.get(leaf.poolId)?.lastSeq ?? 0) + 1;
    lastSeqs.set(leaf.poolId, seq);
    return { ...leaf, seq };
  });
  return { placed, lastSeqs };
}

/** The statements that append to the logs: the last of a batch. */
export function leafStatements(placed: readonly PlacedLeaf[], atMs: number): Iterable<Statement> {
  return chunked(
    AUDIT,
    placed,
    [({ poolId }) => poolId, ({ seq }) => seq, () => atMs, ({ kind }) => kind],
    ({ body }) => JSON.stringify(body),
  );
}

/** `json` is the last column, where there is one whose texts are all JSON. */
function* chunked<R>(
  text: string,
  rows: readonly R[],
  columns: readonly ((row: R) => string | number | Uint8Array)[],
  json?: (row: R) => string,
): Generator<Statement> {
  for (let first = 0; first < rows.length; first += ROWS_MAX) {
    const chunk = rows.slice(first, first + ROWS_MAX);
    const values: Statement["values"] = columns.map((column) => chunk.map(column));
    yield { text, values: json === undefined ? values : [...values, chunk.map(json).join(JOINED_BY)] };
  }
}
