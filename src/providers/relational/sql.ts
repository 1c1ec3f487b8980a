/** SQL that all relational providers share; a dialect holds what differs. */
import type { Field } from "../../models/field.ts";
import type { StreamRef } from "../../models/source.ts";
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import { ConfigurationError, LoaderError, SchemaError } from "../../core/errors.ts";
import type { ExtractRequest, Projection } from "../../core/contracts/extractor.ts";
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import type { Value } from "../../core/values/values.ts";

export interface Dialect {
  /** An identifier, whatever characters it has, safe to put into SQL. */
  quote(identifier: string): string;
  /** A value as a literal of the field's type. */
  literal(value: Exclude<Value, null>, field: Field): string;
  /** SQL of a projection in the select list, without an alias; `sql` is its column or expression. */
  select(sql: string, field: Field): string;
  /**
   * How a watermark is compared.
   *
   * @throws {SchemaError} where the system would compare it in another order than dxt
   */
  compare(sql: string, field: Field): Comparison;
}

/** A watermark in SQL. */
export interface Comparison {
  /** Sorts as the field's values do. */
  readonly sql: string;
  /** A bound, to be compared with `sql`. */
  literal(value: Exclude<Value, null>): string;
  /** Holds for NaN and infinity, where the type has them. */
  readonly placeless?: string;
}

/** All of a dialect that naming things takes. */
export type Quoting = Pick<Dialect, "quote">;

export interface TableName {
  readonly schema?: string;
  readonly name: string;
}

/**
 * Table of a reference: `name`, `schema.name`, or parts in double quotes that may hold dots. With
 * a `schema` key the name is taken as it stands.
 */
export function tableName(ref: StreamRef): TableName {
  if (ref.type !== "relation") {
    throw new ConfigurationError(
      `Cannot write to a ${ref.type}: a relational target is a relation`,
    );
  }
  if (ref.schema !== undefined) return { schema: ref.schema, name: ref.name };
  const parts = ref.name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? [];
  const whole = parts.join(".") === ref.name;
  if (!whole || parts.length > 2) return { name: ref.name };
  const [first, second] = parts.map((part) =>
    part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part
  );
  return second === undefined ? { name: first! } : { schema: first!, name: second };
}

export function quoteTable(table: TableName, dialect: Quoting): string {
  const name = dialect.quote(table.name);
  return table.schema === undefined ? name : `${dialect.quote(table.schema)}.${name}`;
}

/** What a SELECT reads from: a table, a query, or a function's result. */
export function fromClause(ref: StreamRef, dialect: Quoting): string {
  switch (ref.type) {
    case "relation":
      return quoteTable(tableName(ref), dialect);
    case "sql":
      return `(${withoutSemicolon(ref.sql)}\n) AS dxt_query`;
    case "function": {
      const args = (ref.args ?? []).map((arg) =>
        arg === null
          ? "NULL"
          : typeof arg === "string"
          ? `'${arg.replaceAll("'", "''")}'`
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

const TOKENS =
  /e'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\$(\w*)\$[^]*?\$\1\$|--[^\n]*|\/\*[^]*?\*\/|\s+|[\w$]+|[^]/giy;

/** A query without the semicolon at its end, which comments may follow. */
export function withoutSemicolon(sql: string): string {
  let end = 0;
  for (const { 0: token, index } of sql.matchAll(TOKENS)) {
    if (token !== ";" && !/^(?:\s|--|\/\*)/.test(token)) end = index + token.length;
  }
  return sql.slice(0, end);
}

/**
 * The SELECT of an extraction, its columns in the order of the projections; `part` are conditions
 * besides those of the task.
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
  const conditions = [
    ...part,
    ...(task.source.type === "relation" && task.source.where !== undefined
      ? [`(${task.source.where}\n)`]
      : []),
    ...(task.range === undefined ? [] : rangeConditions(task.range, task.projections, dialect)),
  ];
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
  const limit = task.limit === undefined ? "" : ` LIMIT ${task.limit}`;
  return `SELECT ${columns.join(", ")} FROM ${fromClause(task.source, dialect)}${where}${limit}`;
}

export function projectionSQL(projection: Projection, dialect: Dialect): string {
  return projection.expression !== undefined
    ? `(${projection.expression}\n)`
    : dialect.quote(projection.column ?? projection.field.name);
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
  const { sql, literal, placeless } = dialect.compare(column, projection.field);
  const bounds: string[] = [];
  if (range.after !== undefined) {
    const { value, inclusive } = range.after;
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

/** Refuses staged files, missing upsert keys, and names that the target cannot tell apart. */
export function checkLoadTask(task: PlannedLoad, fold: (name: string) => string): void {
  const { fields } = task.staged;
  const seen = new Map<string, string>();
  for (const { name } of fields) {
    const other = seen.get(fold(name));
    if (other !== undefined) {
      throw new SchemaError(
        `Cannot load fields "${other}" and "${name}": the target cannot tell their names apart`,
      );
    }
    seen.set(fold(name), name);
  }
  for (const key of task.upsertKeys) {
    if (!fields.some((field) => field.name === key)) {
      throw new LoaderError(
        `Cannot upsert by "${key}": no such field, staged are ${
          fields.map((field) => `"${field.name}"`).join(", ")
        }`,
      );
    }
  }
}

/**
 * Primary key of a table that a load creates: the upsert keys, or the source's key where the table
 * is replaced. Appended records of the same key are several records.
 */
export function keyOfNewTable({ mode, upsertKeys, staged }: PlannedLoad): readonly string[] {
  if (mode === "append") return [];
  if (mode === "upsert") return upsertKeys;
  return staged.fields.filter(({ key }) => key === true).map(({ name }) => name);
}
