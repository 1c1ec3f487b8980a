/** A database that is open in one transaction, as the relational room asks it. */
import type { DatabaseSync } from "node:sqlite";
import type { SqlRow, SqlSession } from "../../contract.ts";

/** Its owner closes the database. SQLite answers on this thread: nothing here waits. */
export class SqliteSession implements SqlSession {
  constructor(readonly database: DatabaseSync) {}

  query(sql: string): Promise<{ readonly rows: readonly SqlRow[] }> {
    return Promise.resolve({ rows: queryRows(this.database, sql) });
  }
}

/** Rows of a statement with few of them; integers are bigints. */
export function queryRows(database: DatabaseSync, sql: string): readonly SqlRow[] {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement.all() as unknown as readonly SqlRow[];
}
