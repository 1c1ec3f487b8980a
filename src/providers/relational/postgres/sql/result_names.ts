/** Names of a query's columns, where it has none or the same one twice. */
import { type ColumnNames, nameColumns } from "../../../../core/column_names.ts";
import type { StreamSource } from "../../../../models/source.ts";
import { withoutSemicolon } from "../../select.ts";
import { dialect, quote } from "./dialect.ts";
import type { ResultColumn } from "../wire/messages.ts";
import type { Session } from "../wire/session.ts";

/** What PostgreSQL calls a column that has no name. */
const UNNAMED = "?column?";

export function nameResults(columns: readonly ResultColumn[]): ColumnNames {
  return nameColumns(columns.map(({ name }) => name === UNNAMED ? "" : name));
}

/** The source, its columns under the names that its fields have; a query that names them all stays. */
export async function withResultNames<Task extends { readonly source: StreamSource }>(
  session: Session,
  task: Task,
): Promise<Task> {
  const { source } = task;
  if (source.type !== "sql") return task;
  const query = withoutSemicolon(source.sql, dialect);
  const { names, made } = nameResults(await session.describe(query));
  if (made.length === 0) return task;
  const sql = `SELECT * FROM (${query}\n) AS dxt_named(${names.map(quote).join(", ")})`;
  return { ...task, source: { ...source, sql } };
}
