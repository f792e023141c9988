/**
 * Who may write which pool. A replica says that it lives by a lease on the database's clock; a pool belongs to the owner in
 * its row, and whoever takes it over raises its epoch. The lease only says when a pool may be taken: what keeps two from
 * writing is the epoch, which every batch is held against, so that a process that slept past its lease writes nothing more.
 */
import type { Sql, TransactionSql } from "postgres";
import type { Log } from "../../ports.ts";
import { FLEET_LOG } from "../audit-leaf.ts";
import { type SeatView, StoreError } from "../port.ts";
import { guarded } from "./connect.ts";
import { retrying } from "./retry.ts";

/** What a replica holds of a pool. */
export interface Holding {
  readonly epoch: number;
  /** The last place in the pool's log; 0 where it is empty. */
  readonly lastSeq: number;
}

/** A replica whose lease has not run out. */
export interface Replica {
  readonly owner: string;
  /** For people; empty where it has none. */
  readonly name: string;
  /** Where other replicas reach it; empty where none is to. */
  readonly address: string;
}

/** A pool and who owns it, alive or not. */
export interface PoolOwner {
  readonly poolId: string;
  readonly owner: string;
  readonly epoch: number;
}

/**
 * `all`: one coordinator holds every pool there is and will be, from its start. `seat`: the same, from when it takes the
 * seat, which one of several coordinators has at a time. `claimed`: holds the pools that it claims, beside others.
 */
export type OwnershipMode = "all" | "seat" | "claimed";

/** What ownership works with. */
export interface OwnershipParts {
  readonly sql: Sql;
  /** The store, for messages. */
  readonly name: string;
  /** Of this process alone, never used again. */
  readonly owner: string;
  readonly address: string;
  /** For people. */
  readonly replicaName: string;
  readonly leaseMs: number;
  readonly mode: OwnershipMode;
  readonly log: Pick<Log, "warn">;
}

/** Beats this often within a lease, so that one lost beat costs nothing. */
const BEATS_PER_LEASE = 3;

/** The pools of one process. */
export class Ownership {
  readonly #parts: OwnershipParts;
  readonly #held = new Map<string, Holding>();
  #beating: NodeJS.Timeout | undefined;
  #isRenewing = false;
  #beatAtMs = Number.NEGATIVE_INFINITY;
  /** Since when each beat has come within the lease of the one before. */
  #unbrokenSinceMs = Number.POSITIVE_INFINITY;
  /** When it was asked last what said that everything is this process's, and under which epoch it took it. */
  #oursAtMs = Number.NEGATIVE_INFINITY;
  #tookEpoch: number | undefined;
  #artifacts = "";

  constructor(parts: OwnershipParts) {
    this.#parts = parts;
  }

  get owner(): string {
    return this.#parts.owner;
  }

  /** What is held, by pool. A claim of another's may have ended it: the next batch finds out. */
  get held(): ReadonlyMap<string, Holding> {
    return this.#held;
  }

  /** Begins to live. In the mode `all` it takes every pool, or throws StoreError HELD where another that lives has one. */
  async start(): Promise<void> {
    await this.beat();
    if (this.#parts.mode === "all") await this.#claimAll();
    this.#beating ??= setInterval(() => this.#renew(), this.#parts.leaseMs / BEATS_PER_LEASE).unref();
  }

  /**
   * One beat at a time: who hears no answer any more must not go on saying that it lives, or nobody takes over from one whose
   * words arrive and who is deaf.
   */
  #renew(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.beat()
      .catch((error: unknown) => {
        this.#parts.log.warn({ err: error }, "the lease on the store was not renewed");
      })
      .finally(() => (this.#isRenewing = false));
  }

  /** Renews the lease, and forgets replicas that are long gone. */
  async beat(): Promise<void> {
    const { sql, owner, address, replicaName, leaseMs } = this.#parts;
    await this.#writing(async () => {
      // The lease begins when the database writes it, which is not before this.
      const sentAtMs = performance.now();
      await sql`
        INSERT INTO replicas (owner, address, lease_until, name, artifacts)
        VALUES (
          ${owner}, ${address}, clock_timestamp() + ${leaseMs} * interval '1 millisecond', ${replicaName}, ${this.#artifacts}
        )
        ON CONFLICT (owner) DO UPDATE SET address = excluded.address, lease_until = excluded.lease_until,
          name = excluded.name, artifacts = excluded.artifacts`;
      // A beat that is late brings nothing back that another may have taken meanwhile.
      if (sentAtMs - this.#beatAtMs >= leaseMs) this.#unbrokenSinceMs = performance.now();
      this.#beatAtMs = sentAtMs;
      await sql`DELETE FROM replicas WHERE lease_until < clock_timestamp() - interval '1 day'`;
    });
  }

  /** The database's clock, in milliseconds since the epoch. */
  async timeMs(): Promise<number> {
    const { sql, name } = this.#parts;
    return guarded("UNREADABLE", `the store at ${name} cannot be read`, async () => {
      const [row] = await sql<{ ms: string }[]>`SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::text AS ms`;
      return Number(row?.ms);
    });
  }

  /**
   * Whether the lease holds for sure, by this process's own count of time: nobody can have taken anything over since it was
   * taken, or since a look found it under the same epoch. False before `takeAll`.
   */
  get isLeased(): boolean {
    return this.#oursAtMs >= this.#unbrokenSinceMs && performance.now() - this.#beatAtMs < this.#parts.leaseMs;
  }

  /** Says with the next beats where this replica's artifacts are. */
  announce(artifacts: string): void {
    this.#artifacts = artifacts;
  }

  /** Takes every pool; false where another that lives has one. */
  async takeAll(): Promise<boolean> {
    try {
      await this.beat();
      const sentAtMs = performance.now();
      await this.#claimAll();
      this.#oursAtMs = sentAtMs;
      this.#tookEpoch = this.#held.get(FLEET_LOG)?.epoch;
      return true;
    } catch (error) {
      if (error instanceof StoreError && error.code === "HELD") return false;
      throw error;
    }
  }

  /**
   * Who owns what concerns no pool, and with it all there is. Where the lease had lapsed and nobody took anything meanwhile,
   * it holds again.
   */
  async look(): Promise<SeatView> {
    const { sql, name, owner } = this.#parts;
    return guarded("UNREADABLE", `the store at ${name} cannot be read`, async () => {
      const sentAtMs = performance.now();
      const [row] = await sql<
        {
          owner: string;
          address: string | null;
          artifacts: string | null;
          name: string | null;
          alive: boolean | null;
          epoch: string;
        }[]
      >`SELECT pool_owner.owner, pool_owner.epoch, address, artifacts, name, lease_until > clock_timestamp() AS alive
        FROM pool_owner LEFT JOIN replicas ON replicas.owner = pool_owner.owner WHERE pool_id = ${FLEET_LOG}`;
      const isOurs = row?.owner === owner;
      if (isOurs && Number(row.epoch) === this.#tookEpoch) this.#oursAtMs = sentAtMs;
      return {
        isOurs,
        isAlive: row?.alive === true,
        name: row?.name ?? "",
        address: row?.address ?? "",
        artifacts: row?.artifacts ?? "",
      };
    });
  }

  /** The replicas that live, by the database's clock. */
  async replicas(): Promise<readonly Replica[]> {
    const { sql, name } = this.#parts;
    return guarded("UNREADABLE", `the store at ${name} cannot be read`, async () => [
      ...(await sql<
        Replica[]
      >`SELECT owner, name, address FROM replicas WHERE lease_until > clock_timestamp() ORDER BY owner`),
    ]);
  }

  /** Every pool that was ever owned. */
  async owners(): Promise<readonly PoolOwner[]> {
    const { sql, name } = this.#parts;
    const rows = await guarded("UNREADABLE", `the store at ${name} cannot be read`, async () => [
      ...(await sql<{ pool_id: string; owner: string; epoch: string }[]>`
        SELECT pool_id, owner, epoch FROM pool_owner ORDER BY pool_id`),
    ]);
    return rows.map((row) => ({ poolId: row.pool_id, owner: row.owner, epoch: Number(row.epoch) }));
  }

  /**
   * Takes pools that are free, whose owner no longer lives, or that are held already (under a new epoch then: what an
   * earlier batch did is decided when this resolves). Answers those that were gained; another's stay another's.
   */
  async claim(poolIds: readonly string[]): Promise<ReadonlySet<string>> {
    const wanted = [...new Set(poolIds)].toSorted();
    const gained = await this.#transaction(async (tx) => {
      // Whoever is alone holds what there is not yet, too: but only as long as it holds the fleet's own log.
      if (this.#parts.mode !== "claimed" && !wanted.includes(FLEET_LOG)) await this.#holdFleet(tx);
      await tx`
        INSERT INTO pool_owner (pool_id, owner, epoch) SELECT pool_id, '', 0 FROM unnest(${wanted}::text[]) AS pool_id
        ORDER BY pool_id ON CONFLICT DO NOTHING`;
      return this.#take(tx, wanted);
    });
    for (const poolId of wanted) this.#held.delete(poolId);
    for (const [poolId, holding] of gained) this.#held.set(poolId, holding);
    return new Set(gained.keys());
  }

  /** Gives pools back, so that another need not wait for the lease: those named, or else all that stand under its name. */
  async release(poolIds?: readonly string[]): Promise<void> {
    const { sql, owner } = this.#parts;
    // After a batch that failed it may have forgotten which those are.
    const which = poolIds === undefined ? sql`` : sql`AND pool_id = ANY(${[...poolIds]}::text[])`;
    await this.#writing(() => sql`UPDATE pool_owner SET owner = '' WHERE owner = ${owner} ${which}`);
    for (const poolId of poolIds ?? [...this.#held.keys()]) this.#held.delete(poolId);
  }

  /** Notes how far the logs have grown by a batch that was committed. */
  advance(lastSeqs: ReadonlyMap<string, number>): void {
    for (const [poolId, lastSeq] of lastSeqs) {
      const holding = this.#held.get(poolId);
      if (holding !== undefined) this.#held.set(poolId, { ...holding, lastSeq });
    }
  }

  /** Forgets what is held, after a batch whose fate is not known or that was refused. */
  forget(): readonly string[] {
    const were = [...this.#held.keys()];
    this.#held.clear();
    return were;
  }

  /** Takes back what was forgotten; but in the mode `claimed`, everything. Throws StoreError HELD or FENCED where another has it. */
  async recover(were: readonly string[]): Promise<void> {
    await this.beat();
    if (this.#parts.mode !== "claimed") return this.#claimAll();
    const gained = await this.claim(were);
    const lost = were.filter((poolId) => !gained.has(poolId));
    if (lost.length > 0)
      throw new StoreError("FENCED", `the store at ${this.#parts.name}: ${lost.join(", ")} taken over`);
  }

  /** Stops beating, and gives back what is held. */
  async stop(): Promise<void> {
    clearInterval(this.#beating);
    this.#beating = undefined;
    await this.release();
    const { sql, owner } = this.#parts;
    await this.#writing(() => sql`DELETE FROM replicas WHERE owner = ${owner}`);
  }

  async #claimAll(): Promise<void> {
    const gained = await this.#transaction(async (tx) => {
      await tx`INSERT INTO pool_owner (pool_id, owner, epoch) VALUES (${FLEET_LOG}, '', 0) ON CONFLICT DO NOTHING`;
      const rows = await tx<{ pool_id: string }[]>`SELECT pool_id FROM pool_owner ORDER BY pool_id FOR UPDATE`;
      const all = rows.map((row) => row.pool_id);
      const taken = await this.#take(tx, all);
      if (taken.size === all.length) return taken;
      throw new StoreError("HELD", `the store at ${this.#parts.name} cannot be opened: another coordinator holds it`);
    });
    this.#held.clear();
    for (const [poolId, holding] of gained) this.#held.set(poolId, holding);
  }

  /** Raises the epoch of those of the pools that may be taken. Waits for the batches that hold them. */
  async #take(tx: TransactionSql, poolIds: readonly string[]): Promise<ReadonlyMap<string, Holding>> {
    const { owner } = this.#parts;
    await tx`SELECT 1 FROM pool_owner WHERE pool_id = ANY(${[...poolIds]}::text[]) ORDER BY pool_id FOR UPDATE`;
    const rows = await tx<{ pool_id: string; epoch: string; last: string | null }[]>`
      WITH taken AS (
        UPDATE pool_owner SET owner = ${owner}, epoch = epoch + 1
        WHERE pool_id = ANY(${[...poolIds]}::text[]) AND (owner = ${owner} OR NOT EXISTS (
          SELECT 1 FROM replicas WHERE replicas.owner = pool_owner.owner AND lease_until > clock_timestamp()
        ))
        RETURNING pool_id, epoch
      )
      SELECT pool_id, epoch, (SELECT max(seq) FROM audit WHERE audit.pool_id = taken.pool_id) AS last FROM taken`;
    return new Map(rows.map((row) => [row.pool_id, { epoch: Number(row.epoch), lastSeq: Number(row.last ?? 0) }]));
  }

  async #holdFleet(tx: TransactionSql): Promise<void> {
    const epoch = this.#held.get(FLEET_LOG)?.epoch ?? 0;
    await tx`SELECT moult_hold(${this.#parts.owner}, ${[FLEET_LOG]}::text[], ${[epoch]}::bigint[])`;
  }

  async #transaction<T>(work: (tx: TransactionSql) => Promise<T>): Promise<T> {
    return this.#writing(() => this.#parts.sql.begin(work) as Promise<T>);
  }

  async #writing<T>(work: () => Promise<T>): Promise<T> {
    return retrying(`the store at ${this.#parts.name} cannot be claimed`, work);
  }
}
