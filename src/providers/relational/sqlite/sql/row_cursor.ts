/** The rows of an extraction one by one, their values in the order of its projections. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ExtractRequest, Projection } from "../../../../core/contracts/extractor.ts";
import { fromClause } from "../../sql.ts";
import { quote } from "./dialect.ts";
import { type Condition, defineOrder, rangeCondition } from "./watermark_order.ts";
import type { Raw } from "../types/read_value.ts";
import { mayBeText, TextEncoding, wholeTextSQL } from "../types/text_encoding.ts";

type Row = Raw[];

/** Rows between two looks at the clock. */
const PAGE = 256;

/** SQL of a projection's column or expression. */
export function projectionSQL({ column, expression, field }: Projection): string {
  return expression !== undefined ? `(${expression}\n)` : quote(column ?? field.name);
}

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  return statement;
}

/** The condition of a task as a clause that follows the source, or nothing. */
export function conditionOf(database: DatabaseSync, task: ExtractRequest) {
  const { source, projections, range } = task;
  const conditions: Condition[] = [];
  if (source.type === "relation" && source.where !== undefined) {
    conditions.push({ sql: `(${source.where}\n)`, params: [] });
  }
  if (range !== undefined) {
    const { wide } = new TextEncoding(database);
    const condition = rangeCondition(range, projections, projectionSQL, wide);
    defineOrder(database, projections.find(({ field }) => field.name === range.field)!.field, wide);
    if (condition !== undefined) conditions.push(condition);
  }
  const sql = conditions.map(({ sql }) => sql).join(" AND ");
  return {
    where: sql === "" ? "" : ` WHERE ${sql}`,
    params: conditions.flatMap(({ params }) => params),
  };
}

/**
 * Rows of any source as SQLite finds them, in pages, read in the transaction that is open on the
 * connection.
 */
export function* streamRows(
  database: DatabaseSync,
  task: ExtractRequest,
): Generator<Iterable<readonly Raw[]>> {
  const encoding = new TextEncoding(database);
  const { source, projections, limit } = task;
  const { where, params } = conditionOf(database, task);
  const statement = arrays(
    database,
    `SELECT ${wholeColumns(projections)} FROM ${fromClause(source, { quote })}${where}${
      limit === undefined ? "" : ` LIMIT ${limit}`
    }`,
  );
  const rows = statement.iterate(...params) as unknown as Iterator<Row>;
  const texts = projections.map(({ field }, i) => [i, field] as const)
    .filter(([, field]) => mayBeText(field));
  let done = false;
  function* some(): Generator<Row> {
    for (let i = 0; i < PAGE; i++) {
      const row = rows.next();
      done = row.done === true;
      if (row.done === true) return;
      for (const [place, field] of texts) {
        row.value[place] = encoding.decode(row.value[place]!, field);
      }
      yield row.value;
    }
  }
  while (!done) yield some();
}

function wholeColumns(projections: readonly Projection[]): string {
  return projections.map((projection) => {
    const sql = projectionSQL(projection);
    return mayBeText(projection.field) ? wholeTextSQL(sql) : sql;
  }).join(", ");
}
