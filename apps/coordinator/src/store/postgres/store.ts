/**
 * The engine for several coordinators and for operators who run PostgreSQL already. Batches go over one connection, in
 * their order, each under the epochs of the pools that it touches; everything else shares a few more.
 */
import type { Log } from "../../ports.ts";
import { FLEET_LOG } from "../audit-leaf.ts";
import { type Batch, type Snapshot, type Store, StoreError } from "../port.ts";
import { REQUEST_KEEP_MS, TOKEN_KEEP_MS } from "../keep.ts";
import { Turns } from "../turns.ts";
import { checkServer } from "./checks.ts";
import { connect, guarded, placeOf } from "./connect.ts";
import { kyselyOver } from "./dialect.ts";
import { gather } from "./gather.ts";
import { loadSnapshot } from "./load.ts";
import { prepare } from "./migrate.ts";
import { readStatus } from "./status.ts";
import { type Holding, Ownership, type OwnershipMode } from "./ownership.ts";
import { retrying } from "./retry.ts";
import { type Statement, holdStatement, leafStatements, place, rowStatements } from "./statements.ts";
import { postgresTree } from "./tree.ts";
import { Writer } from "./writer.ts";

/** For reads, the tree and the lease. */
const READERS_MAX = 3;

/** A process that dies without a word is missed after this. Beats come thrice as often. */
export const LEASE_MS = 3_000;

/** How a store is opened. */
export interface PostgresOptions {
  readonly url: string;
  readonly network: string;
  /** Of this process alone, never used again. */
  readonly owner: string;
  /** Where other replicas reach this one. */
  readonly address?: string;
  /** For people. */
  readonly replicaName?: string;
  readonly leaseMs?: number;
  /** `all` (the default): the only coordinator. */
  readonly mode?: OwnershipMode;
  readonly log: Pick<Log, "warn">;
}

/** A store, and which pools this process may write in it. */
export interface PostgresStore extends Store {
  readonly ownership: Ownership;
  /** As `load`, of some pools' nodes, permits, overrides and demand only. */
  readonly loadPools: (poolIds: readonly string[]) => Promise<Snapshot>;
}

/** Opens or makes the store of a network. Throws a StoreError that says why it cannot be used. */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const { network, owner, log, address = "", replicaName = "", leaseMs = LEASE_MS, mode = "all" } = options;
  const server = placeOf(options.url);
  const { name } = server;
  const sql = connect(server, READERS_MAX);
  const db = kyselyOver(sql, server);
  const ownership = new Ownership({ sql, name, owner, address, replicaName, leaseMs, mode, log });
  try {
    await checkServer(sql, name, log);
    await prepare(db, name, network);
    await ownership.start();
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
  const writer = new Writer(server);
  const turns = new Turns();
  const cannotWrite = `the store at ${name} cannot be written`;
  const cannotRead = `the store at ${name} cannot be read`;
  /** What was held when a batch failed; until it is taken back, nothing is written. */
  let were: readonly string[] | undefined;

  const holding = async (touched: ReadonlySet<string>): Promise<ReadonlyMap<string, Holding>> => {
    // The only coordinator writes under the fleet's epoch, too: whoever takes that over has taken everything over.
    const wanted = mode !== "claimed" ? [FLEET_LOG, ...touched] : [...touched];
    const missing = wanted.filter((poolId) => !ownership.held.has(poolId));
    // A pool that is new belongs to whoever holds the fleet's own log.
    if (missing.length > 0 && mode !== "claimed" && !missing.includes(FLEET_LOG)) await ownership.claim(missing);
    return new Map(
      [...new Set(wanted)].toSorted().map((poolId) => {
        const held = ownership.held.get(poolId);
        if (held !== undefined) return [poolId, held];
        throw new StoreError("FENCED", `${cannotWrite}: pool ${poolId} is not held by this coordinator`);
      }),
    );
  };
  const recover = async (): Promise<void> => {
    if (were === undefined) return;
    await ownership.recover(were);
    were = undefined;
  };
  const write = async ({ changes, atMs }: Batch): Promise<void> => {
    const rows = gather(changes);
    const held = await holding(rows.pools);
    const { placed, lastSeqs } = place(rows.leaves, held);
    // Made anew for each attempt, for they are walked through once.
    const statements = function* (): Generator<Statement> {
      if (held.size > 0) yield holdStatement(owner, held);
      yield* rowStatements(rows);
      yield* leafStatements(placed, atMs);
    };
    await retrying(cannotWrite, () => writer.transact(statements()));
    ownership.advance(lastSeqs);
  };

  return {
    ownership,
    seat:
      mode !== "seat"
        ? undefined
        : {
            look: () => ownership.look(),
            take: () =>
              turns.take(async () => {
                const isTaken = await ownership.takeAll();
                were = undefined;
                return isTaken;
              }),
            release: () => turns.take(() => ownership.release()),
            timeMs: () => ownership.timeMs(),
            isLeased: () => ownership.isLeased,
            announce: (artifacts) => ownership.announce(artifacts),
          },
    status: () => guarded("UNREADABLE", cannotRead, () => readStatus(sql)),
    commit: (batch) =>
      turns.take(async () => {
        await recover();
        try {
          await write(batch);
        } catch (error) {
          were = ownership.forget();
          throw error;
        }
      }),
    load: () =>
      turns.take(async () => {
        // What was on its way when a connection broke is decided once its pools are held anew.
        await recover();
        await checkServer(sql, name, { warn: () => undefined });
        return guarded("UNREADABLE", cannotRead, () => loadSnapshot(db, options.url));
      }),
    loadPools: (poolIds) =>
      turns.take(async () => {
        await recover();
        return guarded("UNREADABLE", cannotRead, () => loadSnapshot(db, options.url, poolIds));
      }),
    manifest: (digest) =>
      guarded("UNREADABLE", cannotRead, async () => {
        const row = await db.selectFrom("manifests").select("envelope").where("digest", "=", digest).executeTakeFirst();
        return row?.envelope;
      }),
    tidy: (nowMs) =>
      retrying(`the store at ${name} cannot be tidied`, async () => {
        await sql`DELETE FROM requests WHERE at_ms < ${nowMs - REQUEST_KEEP_MS}`;
        await sql`DELETE FROM tokens WHERE expires_at_ms < ${nowMs - TOKEN_KEEP_MS}`;
        await sql`DELETE FROM brake_statements WHERE expires_at_ms < ${nowMs}`;
      }),
    close: () =>
      turns.take(async () => {
        try {
          await ownership.stop();
        } finally {
          await Promise.all([writer.close(), sql.end({ timeout: 1 })]);
        }
      }),
    tree: postgresTree({ client: sql, db, name, owner: mode === "claimed" ? undefined : owner }),
  };
}
