/** Kysely over node:sqlite, for what is not in a hurry: backups and restores. */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { Kysely, SqliteDialect, type SqliteStatement } from "kysely";

/** Kysely over an open database, which stays its maker's. */
export function kyselyOverSqlite<T>(db: DatabaseSync): Kysely<T> {
  const prepare = (sql: string): SqliteStatement => {
    const statement = db.prepare(sql);
    const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[];
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...values(parameters)),
      run: (parameters) => statement.run(...values(parameters)),
      iterate: (parameters) => statement.iterate(...values(parameters)),
    };
  };
  return new Kysely<T>({ dialect: new SqliteDialect({ database: { prepare, close: () => {} } }) });
}
