/** Everything a start needs, read as of one moment. Nodes come in chunks, so that others have their turn in between. */
import type { Dial, Override, Permit, Release } from "@moult/policy";
import { type Kysely, type Transaction } from "kysely";
import type { FleetEvent } from "../../anomalies/kinds.ts";
import type { BrakeStatement, EnrollmentToken, MetadataRole, Snapshot, StoredNode } from "../port.ts";
import { storedDial, storedNode } from "../rows.ts";
import type { PostgresTables } from "./tables.ts";

/** Nodes a chunk: some milliseconds. */
const CHUNK_ROWS = 1_000;

/** Reads a snapshot: of some pools where they are named, else of all. */
export async function loadSnapshot(db: Kysely<PostgresTables>, poolIds?: readonly string[]): Promise<Snapshot> {
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute((tx) => snapshot(tx, poolIds));
}

async function snapshot(tx: Transaction<PostgresTables>, poolIds: readonly string[] | undefined): Promise<Snapshot> {
  const isOurs = (poolId: string): boolean => poolIds === undefined || poolIds.includes(poolId);
  const meta = new Map(
    (await tx.selectFrom("meta").select(["key", "value"]).execute()).map(({ key, value }) => [key, value]),
  );
  const brake = meta.get("brake");
  const tally = meta.get("tally");
  const nodes: StoredNode[] = [];
  const chosen = tx.selectFrom("nodes").select(["identity", "state"]);
  const query = poolIds === undefined ? chosen : chosen.where("pool_id", "in", poolIds);
  for await (const row of query.stream(CHUNK_ROWS)) nodes.push(storedNode(row));
  const permits = await tx.selectFrom("permits").select(["pool_id", "permit"]).execute();
  const releases = await tx.selectFrom("releases").select("release").orderBy("release_counter", "desc").execute();
  const dials = await tx.selectFrom("dials").select("dial").execute();
  const overrides = await tx.selectFrom("overrides").select(["pool_id", "override"]).execute();
  const tokens = await tx.selectFrom("tokens").select("token").execute();
  const requests = await tx.selectFrom("requests").selectAll().execute();
  const totals = await tx.selectFrom("totals").selectAll().execute();
  const events = await tx.selectFrom("events").select("event").orderBy("event_id").execute();
  const metadata = await tx.selectFrom("metadata_files").selectAll().orderBy("published").execute();
  const brakes = await tx.selectFrom("brake_statements").select(["brake", "statement"]).orderBy("digest").execute();
  return {
    nodes,
    permits: permits.filter((row) => isOurs(row.pool_id)).map(({ permit }) => JSON.parse(permit) as Permit),
    releases: releases.map(({ release }) => JSON.parse(release) as Release),
    dials: dials.map(({ dial }) => storedDial(JSON.parse(dial) as Dial)),
    overrides: overrides.filter((row) => isOurs(row.pool_id)).map(({ override }) => JSON.parse(override) as Override),
    brake: brake === undefined ? undefined : (JSON.parse(brake) as Snapshot["brake"]),
    tokens: tokens.map(({ token }) => JSON.parse(token) as EnrollmentToken),
    requests: requests.map((row) => ({
      requestId: JSON.parse(row.request_id) as string,
      requestHash: row.request_hash,
      response: row.response,
      atMs: Number(row.at_ms),
    })),
    events: events.map(({ event }) => JSON.parse(event) as FleetEvent),
    demandByPool: new Map(
      totals.filter((row) => isOurs(row.pool_id)).map((row) => [row.pool_id, Number(row.demand_milli)]),
    ),
    tally: tally === undefined ? undefined : (JSON.parse(tally) as Snapshot["tally"]),
    metadata: metadata.map(({ role, version, file }) => ({
      role: role as MetadataRole,
      version: Number(version),
      bytes: file,
    })),
    brakeStatements: brakes.map(({ brake: said, statement }) => ({
      ...(JSON.parse(said) as BrakeStatement),
      statement,
    })),
  };
}
