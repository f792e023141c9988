/** Kysely over postgres.js: each of Kysely's connections is one that is reserved from the pool. */
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
import type { ParameterOrJSON, ReservedSql, Sql } from "postgres";
import type { PostgresTables } from "./tables.ts";

class Connection implements DatabaseConnection {
  readonly reserved: ReservedSql;

  constructor(reserved: ReservedSql) {
    this.reserved = reserved;
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const rows = await this.reserved.unsafe(sql, parameters as ParameterOrJSON<never>[], { prepare: true });
    return { rows: [...rows] as R[], numAffectedRows: BigInt(rows.count ?? 0) };
  }

  async *streamQuery<R>({ sql, parameters }: CompiledQuery, chunkRows = 1_000): AsyncIterableIterator<QueryResult<R>> {
    const query = this.reserved.unsafe(sql, parameters as ParameterOrJSON<never>[], { prepare: true });
    for await (const rows of query.cursor(chunkRows)) yield { rows: [...rows] as R[] };
  }
}

class PostgresJsDriver implements Driver {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return new Connection(await this.#sql.reserve());
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const level = settings.isolationLevel === undefined ? "" : ` ISOLATION LEVEL ${settings.isolationLevel}`;
    const access = settings.accessMode === undefined ? "" : ` ${settings.accessMode}`;
    await (connection as Connection).reserved.unsafe(`BEGIN${level}${access}`);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as Connection).reserved.unsafe("COMMIT");
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as Connection).reserved.unsafe("ROLLBACK");
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    (connection as Connection).reserved.release();
  }

  /** The pool belongs to who made it. */
  async destroy(): Promise<void> {}
}

/** Kysely over a pool. */
export function kyselyOver(sql: Sql): Kysely<PostgresTables> {
  return new Kysely({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new PostgresJsDriver(sql),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}
