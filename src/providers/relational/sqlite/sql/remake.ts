/** Makes a table again: SQLite cannot change the type of a column. */
import { SchemaError } from "../../../../core/errors.ts";
import type { TableColumn } from "../../contract.ts";
import { createTable } from "../../load/statements.ts";
import type { SqliteTable } from "./catalog.ts";
import { quote } from "./dialect.ts";
import type { SqliteSession } from "./session.ts";

/** Words of a CREATE TABLE whose meaning the new table would lack. */
const LOST =
  /\b(AUTOINCREMENT|CHECK|COLLATE|CONSTRAINT|DEFAULT|ON CONFLICT|REFERENCES|STRICT|UNIQUE|WITHOUT\s+ROWID|VIRTUAL)\b/i;

/** Names, texts and comments of a statement. */
const QUOTED = /"(?:[^"]|"")*"|'(?:[^']|'')*'|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?\*\//g;

/**
 * The statements that make an empty table again with the same key, NOT NULL, indexes and triggers.
 *
 * @throws {SchemaError} for a table that has more than that
 */
export async function remake(
  session: SqliteSession,
  { name, label, table, columns: old }: SqliteTable,
  columns: readonly Pick<TableColumn, "name" | "type" | "nullable">[],
): Promise<string[]> {
  const { rows } = await session.query(
    `SELECT type, sql FROM main.sqlite_schema WHERE lower(tbl_name) = lower('${
      table.replaceAll("'", "''")
    }') AND sql IS NOT NULL ORDER BY type = 'trigger', rowid`,
  );
  const made = String(rows.find(([type]) => type === "table")?.[1]);
  const lost = old.some(({ generated }) => generated)
    ? "generated column"
    : LOST.exec(made.replace(QUOTED, '""'))?.[1]?.toUpperCase();
  if (lost !== undefined) {
    throw new SchemaError(
      `Cannot change a type of ${label}: SQLite has to make the table again, which would lose its ${lost}; change the table yourself, or drop it`,
    );
  }
  const { rows: keys } = await session.query(
    `SELECT name FROM pragma_table_info('${
      table.replaceAll("'", "''")
    }', 'main') WHERE pk > 0 ORDER BY pk`,
  );
  const names = keys.map(([key]) => String(key));
  const dependents = rows.filter(([type]) => type !== "table").map(([, sql]) => String(sql));
  return [`DROP TABLE ${name}`, createTable(name, columns, names, { quote }), ...dependents];
}
