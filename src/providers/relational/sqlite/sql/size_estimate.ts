/** How much a dataset holds, without reading it. */
import type { DatabaseSync } from "node:sqlite";
import type { Estimate } from "../../../../core/contracts/connector.ts";
import type { StreamSource } from "../../../../models/source.ts";
import { tableName } from "../../names.ts";
import { findTable, type SqliteTable } from "./catalog.ts";
import { mainTable } from "./dialect.ts";
import { rowsOf } from "./session.ts";

/**
 * Rows of a table as the last ANALYZE counted them, or by the number of its last row, which counts
 * deleted ones too. Of views and queries nothing is known.
 */
export function estimate(database: DatabaseSync, source: StreamSource): Estimate {
  if (source.type === "sql") return { kind: "query" };
  if (source.type !== "relation") return { kind: source.type };
  const found = findTable(database, mainTable(tableName(source)));
  if (found === undefined) return { kind: "relation" };
  if (found.view) return { kind: "view" };
  if (source.where !== undefined) return { kind: "table with a condition" };
  const rows = analyzed(database, found) ??
    (found.rowNumber === undefined ? undefined : lastRow(database, found));
  return { kind: "table", ...(rows === undefined ? {} : { rows }) };
}

/** https://sqlite.org/fileformat2.html#the_sqlite_stat1_table */
function analyzed(database: DatabaseSync, { table }: SqliteTable): number | undefined {
  if (findTable(database, { name: "sqlite_stat1" }) === undefined) return undefined;
  const found = database.prepare("SELECT stat FROM sqlite_stat1 WHERE tbl = ? LIMIT 1").get(table);
  const rows = /^\d+/.exec(String(found?.["stat"] ?? ""))?.[0];
  return rows === undefined ? undefined : Number(rows);
}

function lastRow(database: DatabaseSync, { name, rowNumber }: SqliteTable): number {
  return Number(rowsOf(database, `SELECT max(${rowNumber}) FROM ${name}`)[0]![0] ?? 0);
}
