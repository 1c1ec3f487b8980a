/** The statements that read: from tables, queries and functions, by projections, ranges and limits. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import { ConfigurationError, SchemaError } from "../../core/errors.ts";
import type { ExtractRequest, Part, Projection } from "../../core/contracts/extractor.ts";
import { isIntegerType } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamRef } from "../../models/source.ts";
import type { Dialect, FromDialect, Quoting } from "./contract.ts";
import { quoteTable, tableName } from "./names.ts";

/**
 * What a SELECT reads from: a table, a query, or a function's result.
 *
 * @throws {ConfigurationError} for a source that the system cannot read
 */
export function fromClause(ref: StreamRef, dialect: FromDialect): string {
  switch (ref.type) {
    case "relation":
      return quoteTable(tableName(ref), dialect);
    case "sql":
      return `(${withoutSemicolon(ref.sql, dialect)}\n) AS dxt_query`;
    case "function": {
      const { textArgument } = dialect;
      if (textArgument === undefined) {
        throw new ConfigurationError(
          `Cannot read function "${ref.name}": ${dialect.product} has no functions that return rows; expected relation or sql`,
        );
      }
      const args = (ref.args ?? []).map((arg) =>
        arg === null
          ? "NULL"
          : typeof arg === "string"
          ? textArgument(arg)
          : String(arg).toUpperCase()
      );
      const name = quoteTable(tableName({ type: "relation", name: ref.name }), dialect);
      return `${name}(${args.join(", ")}) AS dxt_function`;
    }
    default:
      throw new ConfigurationError(
        `Cannot read a ${ref.type} from a relational system: expected relation, sql or function`,
      );
  }
}

/** Tokens of a query; the group `skip` has white space and comments. */
const TOKENS = {
  standard:
    /e'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\$(\w*)\$[^]*?\$\1\$|(?<skip>--[^\n]*|\/\*[^]*?\*\/|\s+)|[\w$]+|[^]/giy,
  // MySQL runs the text in /*! */.
  mysql:
    /'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`[^`]*`|(?<skip>--(?=\s|$)[^\n]*|#[^\n]*|\/\*(?!M?!)[^]*?\*\/|\s+)|[\w$]+|[^]/gy,
};

/** A query without the semicolon at its end, which comments may follow. */
export function withoutSemicolon(
  sql: string,
  { lexis = "standard" }: Pick<Dialect, "lexis">,
): string {
  let end = 0;
  for (const { 0: token, index, groups } of sql.matchAll(TOKENS[lexis])) {
    if (token !== ";" && groups!["skip"] === undefined) end = index + token.length;
  }
  return sql.slice(0, end);
}

/** SQL of a projection's column or expression. */
export function projectionSQL(
  { column, expression, field }: Projection,
  { quote }: Quoting,
): string {
  return expression !== undefined ? parenthesize(expression) : quote(column ?? field.name);
}

/** Puts SQL of the pipeline in parentheses. A comment in it ends with its line. */
export function parenthesize(sql: string): string {
  return `(${sql}${/--|#/.test(sql) ? "\n" : ""})`;
}

/** All rows of a source that its own condition finds; compiled, it tells whether they can be read. */
export function selectAll(source: StreamRef, dialect: FromDialect): string {
  const where = ownCondition(source).map((condition) => ` WHERE ${condition}`);
  return `SELECT * FROM ${fromClause(source, dialect)}${where.join("")}`;
}

/** The condition of a source, in parentheses; none if it has none. */
export function ownCondition(source: StreamRef): string[] {
  const where = source.type === "relation" && "where" in source ? source.where : undefined;
  return where === undefined ? [] : [parenthesize(where)];
}

/**
 * The SELECT of an extraction, its columns in the order of the projections. A part that is a range of a
 * field is in it; `part` are the conditions of one that the provider cuts in its own way.
 */
export function selectStatement(
  task: ExtractRequest,
  dialect: Dialect,
  part: readonly string[] = [],
): string {
  const columns = task.projections.map((projection) => {
    const sql = projectionSQL(projection, dialect);
    return `${dialect.select(sql, projection.field)} AS ${dialect.quote(projection.field.name)}`;
  });
  const limit = task.limit === undefined ? "" : ` LIMIT ${task.limit}`;
  return `SELECT ${columns.join(", ")} FROM ${fromClause(task.source, dialect)}${
    whereClause(task, dialect, part)
  }${limit}`;
}

/** The conditions of an extraction behind ` WHERE `; empty when all rows are read. */
export function whereClause(
  task: ExtractRequest,
  dialect: Dialect,
  part: readonly string[] = [],
): string {
  const { source, range, projections } = task;
  const ofField = getFieldRange(task.part);
  const conditions = [
    ...part,
    ...(ofField === undefined ? [] : [fieldCondition(task, ofField, dialect)]),
    ...ownCondition(source),
    ...(range === undefined ? [] : rangeConditions(range, projections, dialect)),
  ];
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}

function rangeConditions(
  range: WatermarkRange,
  projections: readonly Projection[],
  dialect: Dialect,
): string[] {
  const projection = projections.find((p) => p.field.name === range.field);
  if (projection === undefined) {
    throw new SchemaError(`Cannot filter by watermark: no field "${range.field}" in the stream`);
  }
  const column = projectionSQL(projection, dialect);
  const { sql, literal, placeless, atLeast } = dialect.compare(column, projection.field);
  const bounds: string[] = [];
  if (range.after !== undefined) {
    const { value, inclusive } = range.after;
    const coarse = atLeast?.(value);
    if (coarse !== undefined) bounds.push(coarse);
    bounds.push(`${sql} ${inclusive ? ">=" : ">"} ${literal(value)}`);
  }
  if (range.upTo !== undefined) {
    const { value, inclusive } = range.upTo;
    bounds.push(`${sql} ${inclusive ? "<=" : "<"} ${literal(value)}`);
  }
  if (range.nulls === "exclude") {
    if (bounds.length === 0) bounds.push(`${column} IS NOT NULL`);
    return [...bounds, ...(placeless === undefined ? [] : [`NOT (${placeless})`])];
  }
  if (bounds.length === 0) return [];
  const without = [`${column} IS NULL`, ...(placeless === undefined ? [] : [placeless])];
  return [`((${bounds.join(" AND ")}) OR ${without.join(" OR ")})`];
}

/** Whole numbers from `from` up to `to`, which is outside, as digits; null is no bound. */
export interface Range {
  readonly from: string | null;
  readonly to: string | null;
}

/** A range of a field's values, as a part has it. A provider adds to a part what its session needs to see the same moment. */
export interface FieldRange extends Range {
  readonly field: string;
}

/** The range of a field that a part is; undefined of parts of another kind, and of the whole. */
export function getFieldRange(part: Part | undefined): FieldRange | undefined {
  return typeof part?.["field"] === "string" ? part as unknown as FieldRange : undefined;
}

/** The condition of a part that is a range of a field: each row of the source is in exactly one. */
function fieldCondition(
  task: ExtractRequest,
  { field, from, to }: FieldRange,
  dialect: Dialect,
): string {
  const projection = wholeNumberProjection(task, field, dialect);
  const column = projectionSQL(projection, dialect);
  const number = wholeNumber(column, projection.field, dialect);
  const bounds = [
    ...(from === null ? [] : [`${number} >= ${BigInt(from)}`]),
    ...(to === null ? [] : [`${number} < ${BigInt(to)}`]),
  ];
  if (from === null) bounds.push(`${number} IS NULL`);
  return `(${bounds.join(from === null ? " OR " : " AND ")})`;
}

/** SQL of a field of whole numbers that sorts as they do. */
export function wholeNumber(sql: string, field: Field, dialect: Dialect): string {
  return dialect.wholeNumber?.(sql, field) ?? sql;
}

/** @throws {ConfigurationError} when the field is not there, or not of whole numbers */
export function wholeNumberProjection(
  { projections, source }: ExtractRequest,
  name: string,
  dialect: Dialect,
): Projection {
  const found = projections.find(({ field }) => field.name === name);
  if (found !== undefined && isIntegerType(found.field.dtype)) return found;
  const is = found === undefined ? "the stream has no such field" : `it is ${found.field.dtype}`;
  throw new ConfigurationError(
    `Cannot read ${
      fromClause(source, dialect)
    } in parts by "${name}": ${is}, expected a field of whole numbers`,
  );
}
