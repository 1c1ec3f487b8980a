/** Rows of a table by their numbers. */
import type { DatabaseSync } from "node:sqlite";
import { ExtractorError } from "../../../../core/errors.ts";
import type { ExtractRequest } from "../../../../core/contracts/extractor.ts";
import { INTEGER_BOUNDS } from "../../../../core/values/values.ts";
import { fromClause, getFieldRange, projectionSQL, whereClause } from "../../select.ts";
import { findTable } from "./catalog.ts";
import { dialect, mainTable } from "./dialect.ts";
import { tableName } from "../../names.ts";
import { comparingDialect } from "./watermark_order.ts";

const [LOWEST, HIGHEST] = INTEGER_BOUNDS.int64;

/** Name of the row number of a table; undefined for other sources, and tables that have none. */
export function findRowNumber(
  database: DatabaseSync,
  { source }: ExtractRequest,
): string | undefined {
  if (source.type !== "relation") return undefined;
  return findTable(database, mainTable(tableName(source)))?.rowNumber;
}

/** Whether a table is read without a condition on its columns. */
export function isWholeTable({ source, range, part }: ExtractRequest): boolean {
  return source.type === "relation" && source.where === undefined && range === undefined &&
    getFieldRange(part) === undefined;
}

/** Rows of a table, or of the task's part of it, that SQLite counts apart from reading them. */
export function countRows(database: DatabaseSync, task: ExtractRequest, rowNumber: string): number {
  const all = `SELECT count(*) AS n FROM ${fromClause(task.source, dialect)}`;
  // Without a condition SQLite looks at fewer bytes.
  if (task.part === undefined) return Number(database.prepare(all).get()!["n"]);
  const { from, to } = getBounds(task);
  const within = database.prepare(`${all} WHERE ${rowNumber} BETWEEN ? AND ?`);
  return Number(within.get(from, to)!["n"]);
}

/** First and last row number of the task's part. */
function getBounds({ part }: ExtractRequest): { from: bigint; to: bigint } {
  const [from, to] = [part?.["from"] ?? null, part?.["to"] ?? null];
  return {
    from: from === null ? LOWEST : BigInt(from),
    to: to === null ? HIGHEST : BigInt(to) - 1n,
  };
}

function projectionList({ projections }: ExtractRequest): string[] {
  return projections.map((projection) => projectionSQL(projection, dialect));
}

/** Rows that are copied some at a time. */
export interface RowSource {
  /** Copies the next rows, at most so many; again the same ones until `advance`. */
  copy(rows: number): number;
  advance(): void;
}

/** All rows of the task's part, in the order of their numbers. */
export function byRange(
  database: DatabaseSync,
  task: ExtractRequest,
  rowNumber: string,
  insert: string,
): RowSource {
  const columns = [rowNumber, ...projectionList(task)].join(", ");
  const statement = database.prepare(
    `${insert} SELECT ${columns} FROM ${fromClause(task.source, dialect)}
     WHERE ${rowNumber} BETWEEN ? AND ? ORDER BY ${rowNumber} LIMIT ?`,
  );
  statement.setReadBigInts(true);
  const { from: first, to } = getBounds(task);
  let from = first;
  let last = first;
  return {
    copy(rows) {
      if (from > to) return 0;
      const { changes, lastInsertRowid } = statement.run(from, to, rows);
      last = BigInt(lastInsertRowid);
      return Number(changes);
    },
    advance() {
      from = last + 1n;
    },
  };
}

/**
 * The rows that the task's condition finds, as it finds them: one statement finds their numbers, by
 * whatever index serves it, another copies the rows.
 */
export function byCondition(
  database: DatabaseSync,
  task: ExtractRequest,
  rowNumber: string,
  insert: string,
): RowSource {
  const from = fromClause(task.source, dialect);
  const where = whereClause(task, comparingDialect(database));
  const find = database.prepare(`SELECT ${rowNumber} FROM ${from}${where}`);
  find.setReadBigInts(true);
  find.setReturnArrays(true);
  const found = find.iterate() as unknown as Iterator<[bigint]>;
  const columns = ["dxt_place", ...projectionList(task)].join(", ");
  const copy = database.prepare(
    `${insert} SELECT ${columns}
     FROM (SELECT key AS dxt_place, value AS dxt_number FROM json_each(?)) CROSS JOIN ${from}
     ON ${rowNumber} = dxt_number`,
  );
  let numbers: bigint[] = [];
  let taken = 0;
  return {
    copy(rows) {
      while (numbers.length < rows) {
        const next = found.next();
        if (next.done === true) break;
        numbers.push(next.value[0]);
      }
      taken = Math.min(rows, numbers.length);
      if (taken === 0) return 0;
      const { changes } = copy.run(`[${numbers.slice(0, taken).join(",")}]`);
      if (Number(changes) !== taken) {
        throw new ExtractorError(
          `Cannot read the rows that were found: they are ${taken}, SQLite copied ${changes}`,
        );
      }
      return taken;
    },
    advance() {
      numbers = numbers.slice(taken);
    },
  };
}
