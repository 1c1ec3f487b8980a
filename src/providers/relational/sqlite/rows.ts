/** The rows of an extraction, in the order of its projections. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ExtractTask, Projection } from "../../../core/extractor.ts";
import { INTEGER_BOUNDS } from "../../../core/values.ts";
import { fromClause } from "../sql.ts";
import { findTable } from "./catalogue.ts";
import { fold, mainTable, quote } from "./dialect.ts";
import { type Condition, defineOrder, rangeCondition } from "./order.ts";
import type { Raw } from "./reading.ts";
import { mayBeText, sizeSQL, TextEncoding, wholeSQL } from "./text.ts";

type Row = readonly Raw[];

/** Most rows that are fetched at once: more are not faster, and huge values take their memory. */
const PAGE = 256;

export interface Rows {
  /** Rows in pages; a row's values come in the order of the projections, before any others. */
  readonly pages: Iterable<Iterable<Row>>;
  /** Rows that there are, where SQLite counts them apart from reading them. */
  readonly count: number | undefined;
}

/** SQL of a projection's column or expression. */
function projectionSQL({ column, expression, field }: Projection): string {
  return expression !== undefined ? `(${expression}\n)` : quote(column ?? field.name);
}

/** Rows of a source, read in the transaction that is open on the connection. */
export function rowsOf(database: DatabaseSync, task: ExtractTask): Rows {
  const rowNumber = rowNumberOf(database, task);
  return rowNumber === undefined ? { pages: streamed(database, task), count: undefined } : {
    pages: paged(database, task, rowNumber),
    count: countOf(database, task, task.part && rowNumber),
  };
}

/** Name of the row number of a table that is read without a condition. */
export function rowNumberOf(database: DatabaseSync, task: ExtractTask): string | undefined {
  const { source, range } = task;
  if (source.type !== "relation" || source.where !== undefined || range !== undefined) return;
  const table = findTable(database, mainTable(source));
  if (table === undefined || table.view || table.withoutRowid) return;
  const taken = new Set(table.columns.map(({ name }) => fold(name)));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
}

/** Rows of a table, or of the task's part of it. */
export function countOf(database: DatabaseSync, task: ExtractTask, rowNumber?: string): number {
  const { from, to } = boundsOf(task);
  const all = `SELECT count(*) AS n FROM ${fromClause(task.source, { quote })}`;
  if (rowNumber === undefined) return Number(database.prepare(all).get()!["n"]);
  const within = database.prepare(`${all} WHERE ${rowNumber} BETWEEN ? AND ?`);
  return Number(within.get(from, to)!["n"]);
}

/** First and last row number of the task's part. */
function boundsOf({ part }: ExtractTask): { from: bigint; to: bigint } {
  const [from, to] = [part?.["from"] ?? null, part?.["to"] ?? null];
  return {
    from: from === null ? LOWEST : BigInt(from),
    to: to === null ? HIGHEST : BigInt(to) - 1n,
  };
}

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement;
}

/**
 * A table page by page along its row numbers: to fetch many rows with one call is more than twice
 * as fast as one by one.
 */
function* paged(
  database: DatabaseSync,
  task: ExtractTask,
  rowNumber: string,
): Generator<Iterable<Row>> {
  const encoding = new TextEncoding(database);
  const { projections } = task;
  const texts = [...projections.keys()].filter((i) => mayBeText(projections[i]!.field));
  const size = sizeSQL(texts.map((i) => projectionSQL(projections[i]!)));
  const from = fromClause(task.source, { quote });
  const columns = [...projections.map(projectionSQL), size, rowNumber].join(", ");
  const page = arrays(
    database,
    `SELECT ${columns} FROM ${from} WHERE ${rowNumber} BETWEEN ? AND ? ORDER BY ${rowNumber} LIMIT ?`,
  );
  const one = arrays(
    database,
    `SELECT ${wholeColumns(projections)} FROM ${from} WHERE ${rowNumber} = ?`,
  );
  const [sizeAt, numberAt] = [projections.length, projections.length + 1];
  function* whole(rows: readonly Row[]): Generator<Row> {
    for (const row of rows) {
      if (encoding.isWhole(row, texts, Number(row[sizeAt]))) yield row;
      else yield decoded(one.get(row[numberAt]!) as unknown as Row, projections, encoding);
    }
  }
  const { from: first, to: end } = boundsOf(task);
  let next = first;
  // One row at first, since rows may be huge.
  for (let limit = 1;; limit = Math.min(limit * 8, PAGE, task.batchRows)) {
    const found = page.all(next, end, limit) as unknown as Row[];
    if (found.length === 0) return;
    yield whole(found);
    const last = found.at(-1)![numberAt] as bigint;
    if (last === end) return;
    next = last + 1n;
  }
}

/** Bounds of a row number. */
const [LOWEST, HIGHEST] = INTEGER_BOUNDS.int64;

/** Any other source, row by row as SQLite finds them. */
function* streamed(database: DatabaseSync, task: ExtractTask): Generator<Iterable<Row>> {
  const encoding = new TextEncoding(database);
  const { source, projections, range } = task;
  const conditions: Condition[] = [];
  if (source.type === "relation" && source.where !== undefined) {
    conditions.push({ sql: `(${source.where}\n)`, params: [] });
  }
  if (range !== undefined) {
    const condition = rangeCondition(range, projections, projectionSQL);
    defineOrder(database, projections.find(({ field }) => field.name === range.field)!.field);
    if (condition !== undefined) conditions.push(condition);
  }
  const where = conditions.map(({ sql }) => sql).join(" AND ");
  const statement = arrays(
    database,
    `SELECT ${wholeColumns(projections)} FROM ${fromClause(source, { quote })}` +
      (where === "" ? "" : ` WHERE ${where}`),
  );
  const params = conditions.flatMap(({ params }) => params);
  const rows = statement.iterate(...params) as unknown as Iterator<Row>;
  let done = false;
  function* some(): Generator<Row> {
    for (let i = 0; i < PAGE; i++) {
      const row = rows.next();
      done = row.done === true;
      if (row.done === true) return;
      yield decoded(row.value, projections, encoding);
    }
  }
  while (!done) yield some();
}

function wholeColumns(projections: readonly Projection[]): string {
  return projections.map((projection) => {
    const sql = projectionSQL(projection);
    return mayBeText(projection.field) ? wholeSQL(sql) : sql;
  }).join(", ");
}

function decoded(row: Row, projections: readonly Projection[], encoding: TextEncoding): Row {
  const values = [...row];
  for (const [i, { field }] of projections.entries()) {
    if (mayBeText(field)) values[i] = encoding.decode(row[i]!, field);
  }
  return values;
}
