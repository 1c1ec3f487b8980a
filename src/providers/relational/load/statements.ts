/** The statements of a load that all dialects write alike. */
import type { Quoting, SqlSession, TableColumn } from "../contract.ts";
import { parenthesize } from "../select.ts";

/**
 * Creates a table.
 *
 * @param name quoted
 * @param keys names of the columns of its primary key
 */
export function createTable(
  name: string,
  columns: readonly Pick<TableColumn, "name" | "type" | "nullable">[],
  keys: readonly string[],
  { quote }: Quoting,
): string {
  const lines = columns.map(({ name, type, nullable }) => {
    const key = keys.length === 1 && keys[0] === name ? " PRIMARY KEY" : "";
    return `${quote(name)} ${type}${key}${nullable ? "" : " NOT NULL"}`;
  });
  if (keys.length > 1) lines.push(`PRIMARY KEY (${keys.map(quote).join(", ")})`);
  return `CREATE TABLE ${name} (${lines.join(", ")})`;
}

/** Adds a nullable column; all names are quoted. */
export function addColumn(table: string, column: string, type: string): string {
  return `ALTER TABLE ${table} ADD COLUMN ${column} ${type}`;
}

/** The rows of a (quoted) table that match a condition, behind FROM; all rows if it is unset. */
export function matchingRows(name: string, where: string | undefined): string {
  return where === undefined ? name : `${name} WHERE ${parenthesize(where)}`;
}

/** Deletes rows that are written as behind FROM. */
export function deleteRows(rows: string): string {
  return `DELETE FROM ${rows}`;
}

/** Counts the rows of a FROM item. */
export async function countRows(session: SqlSession, from: string): Promise<number> {
  const { rows: [row] } = await session.query(`SELECT count(*) FROM ${from}`);
  return Number(row![0]);
}
