/** Reads the rows of a load back, so that they can be compared with the stage. */
import type { DatabaseSync } from "node:sqlite";
import type {
  LoadedRows,
  LoadTask,
  VerifiedLoad,
  VerifyLoad,
} from "../../../../core/contracts/loader.ts";
import { describeLoaded, type LoadedRange } from "../../load/loaded_rows.ts";
import { formatReference } from "../../names.ts";
import { extractOver } from "../extractor.ts";
import { literal } from "../sql/dialect.ts";
import { queryRows, SqliteSession } from "../sql/session.ts";
import { sqlite, type Target } from "../system.ts";
import { databaseEncoding } from "../types/text_encoding.ts";
import { UpsertedRows } from "./upserted_rows.ts";

/** Of a database in UTF-16, which computes other lengths in bytes than those of UTF-8. */
const WIDE: typeof sqlite = {
  ...sqlite,
  types: {
    ...sqlite.types,
    chooseTotals: (field, column) =>
      field.dtype === "string" ? [] : sqlite.types.chooseTotals(field, column),
  },
};

/** A table before its load. */
export interface TableBefore {
  readonly hasRows: boolean;
  /** The highest row number; undefined where the table has none, 0 where it has no rows. */
  readonly last: bigint | undefined;
}

/** Whether a table has rows: its highest row number may be 0. */
export function hasRows(database: DatabaseSync, { table: { name } }: Target): boolean {
  return queryRows(database, `SELECT 1 FROM ${name} LIMIT 1`).length > 0;
}

/**
 * Verifies a load over the connection that wrote it, or one that sees what it wrote.
 *
 * @param rows that the load wrote
 */
export async function verifyLoaded(
  database: DatabaseSync,
  task: LoadTask,
  target: Target,
  { hasRows, last }: TableBefore,
  rows: number,
): Promise<VerifiedLoad | undefined> {
  const { verify, mode, where } = task;
  if (verify === undefined) return undefined;
  const { table } = target;
  const isAll = mode === "replace" || !hasRows;
  if (mode === "upsert") return await verifyUpserted(database, task, target, verify);
  if (!isAll && !isAtEnd(database, target, last, rows)) {
    const unreadable = last === undefined
      ? "the table has no row numbers"
      : "the records set the numbers of their rows";
    return await verify({ unreadable });
  }
  const part = isAll ? {} : { part: { from: String(last! + 1n), to: null } };
  return await verify(describeRows(database, task, target, {
    source: {
      type: "relation",
      name: formatReference({ schema: "main", name: table.table }),
      ...(where === undefined ? {} : { where }),
    },
    condition: isAll ? undefined : `${table.rowNumber} > ${last}`,
    read: (request) => extractOver(database, { ...request, ...part }),
  }));
}

/** Verifies the versions that a load wrote or found, by the query that selects them. */
export async function verifyVersions(
  database: DatabaseSync,
  task: LoadTask,
  target: Target,
  sql: string,
): Promise<VerifiedLoad | undefined> {
  return await task.verify?.(describeRows(database, task, target, {
    source: { type: "sql", sql },
    read: (request) => extractOver(database, request),
  }));
}

/** A stage has digests if it is small, or if all values are to be compared. */
async function verifyUpserted(
  database: DatabaseSync,
  task: LoadTask,
  target: Target,
  verify: VerifyLoad,
): Promise<VerifiedLoad> {
  const { count, summary } = await task.staged.committed();
  if (summary?.digest === undefined) {
    return await verify({ unreadable: "to find the rows of a large upsert again takes long" });
  }
  using rows = await UpsertedRows.find(database, target, task);
  if (rows.count() !== count) {
    return await verify({ unreadable: "several rows of the upsert have the same key" });
  }
  return await verify(describeRows(database, task, target, {
    source: { type: "sql", sql: rows.sql },
    read: (request) => extractOver(database, request),
  }));
}

function describeRows(
  database: DatabaseSync,
  task: LoadTask,
  target: Target,
  range: Omit<LoadedRange, "doubt">,
): LoadedRows {
  const triggers = queryRows(
    database,
    `SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ${
      literal(target.table.table)
    } COLLATE NOCASE LIMIT 1`,
  );
  const doubt = triggers.length > 0 ? "triggers of the table may change rows" : undefined;
  const system = databaseEncoding(database) === "utf-8" ? sqlite : WIDE;
  return describeLoaded(system, new SqliteSession(database), task, target, { ...range, doubt });
}

/** Whether the rows above the number are exactly as many as the load wrote. */
function isAtEnd(
  database: DatabaseSync,
  { table: { name, rowNumber } }: Target,
  last: bigint | undefined,
  rows: number,
): boolean {
  if (last === undefined || rowNumber === undefined) return false;
  const [row] = queryRows(database, `SELECT count(*) FROM ${name} WHERE ${rowNumber} > ${last}`);
  return Number(row![0]) === rows;
}
