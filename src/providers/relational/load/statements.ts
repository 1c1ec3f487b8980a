/** The statements of a load that all dialects write alike. */
import type { PlannedLoad } from "../../../core/contracts/loader.ts";
import type { Quoting, SqlSession } from "../contract.ts";

/**
 * Creates a table. Keys of an upsert are NOT NULL, even where the system's primary keys allow NULL.
 *
 * @param name quoted
 * @param types of the columns, one for each staged field
 */
export function createTable(
  name: string,
  { staged: { fields }, upsertKeys }: PlannedLoad,
  types: readonly string[],
  keys: readonly string[],
  { quote }: Quoting,
): string {
  const lines = fields.map((field, i) => {
    const required = !field.nullable || upsertKeys.includes(field.name);
    return `${quote(field.name)} ${types[i]}${required ? " NOT NULL" : ""}`;
  });
  if (keys.length > 0) lines.push(`PRIMARY KEY (${keys.map(quote).join(", ")})`);
  return `CREATE TABLE ${name} (${lines.join(", ")})`;
}

/** Adds a nullable column; all names are quoted. */
export function addColumn(table: string, column: string, type: string): string {
  return `ALTER TABLE ${table} ADD COLUMN ${column} ${type}`;
}

/** Deletes all rows of a (quoted) table. */
export function deleteAll(name: string): string {
  return `DELETE FROM ${name}`;
}

/** Counts the rows of a FROM item. */
export async function countRows(session: SqlSession, from: string): Promise<number> {
  const { rows: [row] } = await session.query(`SELECT count(*) FROM ${from}`);
  return Number(row![0]);
}
