/**
 * Kysely over postgres.js. Single statements go over the pool, which replaces connections that end. A transaction gets a
 * client of its own: the pool cannot take back a connection that ended while it was held.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import type { ParameterOrJSON, PendingQuery, Row, Sql } from "postgres";
import { type PostgresPlace, connect } from "./connect.ts";
import type { PostgresTables } from "./tables.ts";

class Connection implements DatabaseConnection {
  readonly #pool: Sql;
  readonly #place: PostgresPlace;
  #own: Sql | undefined;

  constructor(pool: Sql, place: PostgresPlace) {
    this.#pool = pool;
    this.#place = place;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const rows = await this.#send(query);
    return { rows: [...rows] as R[], numAffectedRows: BigInt(rows.count ?? 0) };
  }

  async *streamQuery<R>(query: CompiledQuery, chunkRows = 1_000): AsyncIterableIterator<QueryResult<R>> {
    for await (const rows of this.#send(query).cursor(chunkRows)) yield { rows: [...rows] as R[] };
  }

  async begin(statement: string): Promise<void> {
    this.#own = connect(this.#place, 1);
    await this.#own.unsafe(statement);
  }

  async end(statement: "COMMIT" | "ROLLBACK"): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    try {
      await own?.unsafe(statement);
    } finally {
      await own?.end({ timeout: 1 });
    }
  }

  #send({ sql, parameters }: CompiledQuery): PendingQuery<Row[]> {
    const values = parameters as ParameterOrJSON<never>[];
    return (this.#own ?? this.#pool).unsafe<Row[]>(sql, values, { prepare: true });
  }
}

class PostgresJsDriver implements Driver {
  readonly #pool: Sql;
  readonly #place: PostgresPlace;

  constructor(pool: Sql, place: PostgresPlace) {
    this.#pool = pool;
    this.#place = place;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new Connection(this.#pool, this.#place);
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const level = settings.isolationLevel === undefined ? "" : ` ISOLATION LEVEL ${settings.isolationLevel}`;
    const access = settings.accessMode === undefined ? "" : ` ${settings.accessMode}`;
    await (connection as Connection).begin(`BEGIN${level}${access}`);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as Connection).end("COMMIT");
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as Connection).end("ROLLBACK");
  }

  async releaseConnection(): Promise<void> {}

  /** The pool belongs to who made it. */
  async destroy(): Promise<void> {}
}

/** Kysely over a pool of connections to a place. */
export function kyselyOver(pool: Sql, place: PostgresPlace): Kysely<PostgresTables> {
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new PostgresJsDriver(pool, place),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}
