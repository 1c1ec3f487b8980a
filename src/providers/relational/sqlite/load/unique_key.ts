/** The unique index that an upsert needs: found, or made. */
import { LoaderError, messageOf } from "../../../../core/errors.ts";
import { hasUniqueKey } from "../../statements.ts";
import { catalog, type SqliteTable } from "../sql/catalog.ts";
import { dialect, quote } from "../sql/dialect.ts";
import type { SqliteSession } from "../sql/session.ts";

/** The statements that make a unique index of the keys where a table has none; the index stays. */
export async function uniqueKeyStatements(
  session: SqliteSession,
  table: SqliteTable,
  keys: readonly string[],
): Promise<string[]> {
  if (hasUniqueKey(await catalog.uniqueKeys(session, table), keys, dialect)) return [];
  const name = quote(`dxt_upsert_${table.table}_${keys.join("_")}`);
  const columns = keys.map(quote).join(", ");
  return [`CREATE UNIQUE INDEX main.${name} ON ${quote(table.table)} (${columns})`];
}

/** @throws {LoaderError} when rows of the table share a key */
export async function ensureUniqueKey(
  session: SqliteSession,
  table: SqliteTable,
  keys: readonly string[],
): Promise<void> {
  for (const statement of await uniqueKeyStatements(session, table, keys)) {
    try {
      await session.query(statement);
    } catch (error) {
      throw new LoaderError(
        `Cannot upsert into ${table.label} by ${
          keys.map(quote).join(", ")
        }: no unique index of these columns can be made, ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
}
