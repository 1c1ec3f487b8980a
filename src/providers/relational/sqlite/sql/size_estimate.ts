/** How much a table holds, without reading it. */
import type { DatabaseSync } from "node:sqlite";
import type { SizeReader } from "../../estimate.ts";
import { findTable, type SqliteTable } from "./catalog.ts";
import { queryRows, type SqliteSession } from "./session.ts";

/**
 * Rows of a table as the last ANALYZE counted them, or by the number of its last row, which counts
 * deleted ones too. Of views and queries nothing is known.
 */
export const sizes: SizeReader<SqliteSession, SqliteTable> = {
  getKind: ({ view }) => view ? "view" : "table",
  async findSize({ database }, table) {
    if (table.view) return undefined;
    const rows = analyzed(database, table) ??
      (table.rowNumber === undefined ? undefined : lastRow(database, table));
    return await (rows === undefined ? undefined : { rows });
  },
};

/** https://sqlite.org/fileformat2.html#the_sqlite_stat1_table */
function analyzed(database: DatabaseSync, { table }: SqliteTable): number | undefined {
  if (findTable(database, { name: "sqlite_stat1" }) === undefined) return undefined;
  const found = database.prepare("SELECT stat FROM sqlite_stat1 WHERE tbl = ? LIMIT 1").get(table);
  const rows = /^\d+/.exec(String(found?.["stat"] ?? ""))?.[0];
  return rows === undefined ? undefined : Number(rows);
}

function lastRow(database: DatabaseSync, { name, rowNumber }: SqliteTable): number {
  return Number(queryRows(database, `SELECT max(${rowNumber}) FROM ${name}`)[0]![0] ?? 0);
}
