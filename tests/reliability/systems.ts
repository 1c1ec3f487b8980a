/** The servers of the suite, each with a database of its own. */
import { freshDatabase } from "../support/services.ts";
import { mysqlTest, postgresTest } from "../support/services.ts";
import { freshDatabase as freshMySQL } from "../providers/relational/mysql/support.ts";

/** A database, and a way to ask it. */
export interface Database {
  readonly url: string;
  /** Rows as arrays of text, NULLs as empty text. */
  rows(sql: string): Promise<string[][]>;
}

/** A server that this machine lacks is absent. */
export interface Systems extends AsyncDisposable {
  readonly postgres?: Database;
  readonly mysql?: Database;
}

export const NO_SYSTEMS: Systems = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** Creates a database in each server that `deno task test` or the suite has started. */
export async function openSystems(): Promise<Systems> {
  await using opened = new AsyncDisposableStack();
  const systems: { postgres?: Database; mysql?: Database } = {};
  const postgres = postgresTest(15);
  if (postgres.missing === undefined) {
    const database = opened.use(await freshDatabase(postgres.url));
    systems.postgres = {
      url: database.url,
      rows: async (sql) => (await database.sql(sql)).map((row) => toTexts(Object.values(row))),
    };
  }
  const mysql = mysqlTest("mariadb");
  if (mysql.missing === undefined) {
    const database = opened.use(await freshMySQL(mysql.url));
    systems.mysql = {
      url: database.url,
      rows: async (sql) => (await database.sql(sql)).map(toTexts),
    };
  }
  const stack = opened.move();
  return { ...systems, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const toTexts = (values: readonly unknown[]) => values.map((value) => String(value ?? ""));
