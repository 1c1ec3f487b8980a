/**
 * Finds out later whether an append was committed. Row numbers are consecutive, so the highest one shows it;
 * if the records set them, or the table has none, the number of rows does. The outcome is unknown if another
 * program wrote to the table in the meantime.
 */
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { CommitRecord, LoadOutcome, LoadTask } from "../../../../core/contracts/loader.ts";
import type { StreamTarget } from "../../../../models/source.ts";
import { tableName } from "../../names.ts";
import type { SqliteConnector } from "../connector.ts";
import { findTable, type SqliteTable } from "../sql/catalog.ts";
import { exists } from "../sql/database_file.ts";
import { mainTable } from "../sql/dialect.ts";
import { queryRows } from "../sql/session.ts";

const Change = z.strictObject({
  before: z.string().regex(/^-?\d+$/).transform(BigInt),
  after: z.string().regex(/^-?\d+$/).transform(BigInt),
});

const Commit = z.strictObject({
  /** The number that is compared. */
  of: z.enum(["row number", "rows"]),
  /** Missing tables have no rows. */
  change: Change,
});

/** The highest row number of a table; undefined where it has none, 0 where it has no rows. */
export function lastRowNumber(database: DatabaseSync, target: StreamTarget): bigint | undefined {
  const table = findTarget(database, target);
  if (table === undefined) return 0n;
  const { rowNumber } = table;
  if (rowNumber === undefined) return undefined;
  return queryNumber(database, table, `coalesce(max(${rowNumber}), 0)`);
}

function findTarget(database: DatabaseSync, target: StreamTarget): SqliteTable | undefined {
  return findTable(database, mainTable(tableName(target)));
}

function queryNumber(
  database: DatabaseSync,
  { name }: SqliteTable,
  sql: string,
  where = "",
): bigint {
  return queryRows(database, `SELECT ${sql} FROM ${name}${where}`)[0]![0] as bigint;
}

/** Remembers an append of `rows`, which all are written and not yet committed. */
export async function rememberLoad(
  database: DatabaseSync,
  { target, journal }: LoadTask,
  before: bigint | undefined,
  rows: number,
): Promise<void> {
  if (journal === undefined || rows === 0) return;
  const after = lastRowNumber(database, target);
  if (before !== undefined && after === before + BigInt(rows)) {
    return await journal.remember(makeRecord("row number", before, after));
  }
  const count = queryNumber(database, findTarget(database, target)!, "count(*)");
  await journal.remember(makeRecord("rows", count - BigInt(rows), count));
}

/** The record of a table that is written whole, by row numbers from 1. */
export function recordOfNew(rows: number): CommitRecord {
  return makeRecord("row number", 0n, BigInt(rows));
}

function makeRecord(of: "row number" | "rows", before: bigint, after: bigint): CommitRecord {
  return { of, change: { before: String(before), after: String(after) } };
}

/** What became of a load that was remembered; a file that is missing has taken nothing. */
export async function loadOutcome(
  connector: SqliteConnector,
  target: StreamTarget,
  record: CommitRecord,
): Promise<LoadOutcome> {
  if (!exists(connector.file)) return "aborted";
  return await connector.reading(({ database }) => outcomeIn(database, target, record));
}

/** SQLite has undone what was not committed. */
function outcomeIn(
  database: DatabaseSync,
  target: StreamTarget,
  record: CommitRecord,
): LoadOutcome {
  const parsed = Commit.safeParse(record);
  if (!parsed.success) return "unknown";
  const { of, change: { before, after } } = parsed.data;
  const table = findTarget(database, target);
  if (of === "rows") {
    const rows = table === undefined ? 0n : queryNumber(database, table, "count(*)");
    return rows === after ? "committed" : rows === before ? "aborted" : "unknown";
  }
  const last = lastRowNumber(database, target);
  if (last === before) return "aborted";
  if (last !== after) return "unknown";
  const added = queryNumber(database, table!, "count(*)", ` WHERE ${table!.rowNumber} > ${before}`);
  return added === after - before ? "committed" : "unknown";
}
