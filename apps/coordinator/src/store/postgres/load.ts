/**
 * Everything a start needs, read as of one moment. Threads read and parse the nodes, as of that moment too, so that this
 * one only builds what it keeps.
 */
import { Worker } from "node:worker_threads";
import type { Dial, Node, Override, Permit, Release } from "@moult/policy";
import { type Kysely, type Transaction, sql } from "kysely";
import type { FleetEvent } from "../../anomalies/kinds.ts";
import type { BrakeStatement, EnrollmentToken, MetadataRole, Snapshot } from "../port.ts";
import { NODES_A_SLICE, takeSlices } from "../node-slices.ts";
import { Packer, Unpacker } from "../packed-nodes.ts";
import { storedDial } from "../rows.ts";
import type { PostgresTables } from "./tables.ts";

/** The threads start and read while this transaction waits, longer than a transaction may otherwise be idle. */
const IDLE_MS = 120_000;

/** What a thread is given. */
export interface ReadOrder {
  readonly url: string;
  /** The moment, as the server names it. */
  readonly snapshot: string;
  /** All where undefined. */
  readonly poolIds: readonly string[] | undefined;
  readonly part: number;
}

/** Reads a snapshot from the server at `url`: of some pools where they are named, else of all. */
export async function loadSnapshot(
  db: Kysely<PostgresTables>,
  url: string,
  poolIds?: readonly string[],
): Promise<Snapshot> {
  return db
    .transaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute((tx) => snapshot(tx, url, poolIds));
}

async function readNodes(
  tx: Transaction<PostgresTables>,
  url: string,
  poolIds: readonly string[] | undefined,
): Promise<readonly Node[]> {
  const chosen = tx.selectFrom("nodes").select(["identity", "state"]).limit(NODES_A_SLICE);
  const first = await (poolIds === undefined ? chosen : chosen.where("pool_id", "in", poolIds)).execute();
  if (first.length < NODES_A_SLICE) {
    return new Unpacker().unpack(new Packer().pack(first.map(({ identity, state }) => [identity, state] as const)));
  }
  await sql`SELECT set_config('idle_in_transaction_session_timeout', ${String(IDLE_MS)}, true)`.execute(tx);
  const moment = await sql<{ name: string }>`SELECT pg_export_snapshot() AS name`.execute(tx);
  const start = (part: number): Worker => {
    const order: ReadOrder = { url, snapshot: moment.rows[0]?.name ?? "", poolIds, part };
    return new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData: order });
  };
  const nodes: Node[] = [];
  await takeSlices(start, nodes);
  return nodes;
}

async function snapshot(
  tx: Transaction<PostgresTables>,
  url: string,
  poolIds: readonly string[] | undefined,
): Promise<Snapshot> {
  const isOurs = (poolId: string): boolean => poolIds === undefined || poolIds.includes(poolId);
  const meta = new Map(
    (await tx.selectFrom("meta").select(["key", "value"]).execute()).map(({ key, value }) => [key, value]),
  );
  const brake = meta.get("brake");
  const tally = meta.get("tally");
  const nodes = await readNodes(tx, url, poolIds);
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
