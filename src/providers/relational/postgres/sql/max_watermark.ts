/** The highest watermark of a table, over a session and in whatever transaction it is. */
import { valueReader } from "../../../../arrow/mod.ts";
import { SchemaError } from "../../../../core/errors.ts";
import type { OwnRows, WatermarkQuery } from "../../../../core/contracts/loader.ts";
import type { SourceWatermark } from "../../../../core/contracts/provider.ts";
import { orderKind, refuseOrder } from "../../../../core/values/value_order.ts";
import type { Value } from "../../../../core/values/values.ts";
import { displayName, quoteTable, tableName } from "../../names.ts";
import type { Field } from "../../../../models/field.ts";
import type { PostgresConnector } from "../connector.ts";
import { columnField, findRelation, type Relation } from "./catalog.ts";
import { dialect, quote, quoteText } from "./dialect.ts";
import { extractOver } from "../copy_extractor.ts";
import { type Session, versionOf } from "../wire/session.ts";
import { typeMapper } from "../types/type_mapper.ts";
import { comparisonOf } from "./watermark_order.ts";

/**
 * Undefined when there is no table, or no row that has a value.
 *
 * @throws {SchemaError} when the table has no such column, or compares it in another order
 */
export async function findMaxWatermark(
  session: Session,
  { target, field: name, as, own }: WatermarkQuery,
): Promise<Exclude<Value, null> | undefined> {
  const table = quoteTable(tableName(target), dialect);
  const relation = await findRelation(session, table);
  if (relation === undefined) {
    if (as !== undefined) compare(name, typeMapper.toTarget(as), as, session);
    return undefined;
  }
  const column = columnOf(relation, name, "the highest");
  const field = columnField(column);
  const { sql, placeless } = compare(name, column.type, as ?? field, session);
  const conditions = [
    `${quote(name)} IS NOT NULL`,
    ...(placeless === undefined ? [] : [`NOT (${placeless})`]),
    ...(own === undefined ? [] : ownConditions(relation, own)),
  ];
  // max() does not exist for every type that has an order; an index serves this as well.
  const query = `SELECT ${quote(name)} FROM ${table} WHERE ${
    conditions.join(" AND ")
  } ORDER BY ${sql} DESC LIMIT 1`;
  let max: Exclude<Value, null> | undefined;
  const batches = extractOver(session, {
    source: { type: "sql", sql: query },
    projections: [{ field, column: name }],
    batchRows: 1,
    batchBytes: 1,
    signal: new AbortController().signal,
  });
  for await (const batch of batches) {
    max = valueReader(field, batch.data.children[0]!)(0) ?? undefined;
  }
  return max;
}

/** Bytes of a table that is read as a whole to find its highest value. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** Highest watermark of a table that has an index for it or is small; undefined of other sources. */
export async function sourceMaxWatermark(
  connector: PostgresConnector,
  { source, projection: { column, field } }: SourceWatermark,
): Promise<Exclude<Value, null> | undefined> {
  if (source.type !== "relation" || column === undefined) return undefined;
  return await connector.reading(async (session) => {
    const relation = await findRelation(session, quoteTable(tableName(source), dialect));
    if (relation === undefined || !(await isCheap(session, relation, source, column, field))) {
      return undefined;
    }
    const own = source.where === undefined ? {} : { own: { condition: source.where } };
    const { where: _where, ...target } = source;
    return await findMaxWatermark(session, { target, field: column, as: field, ...own });
  });
}

/** An index on text has the order of its collation, which is not that of code points. */
async function isCheap(
  session: Session,
  { id, kind }: Relation,
  { where }: Extract<SourceWatermark["source"], { type: "relation" }>,
  column: string,
  field: Field,
): Promise<boolean> {
  if (kind !== "r" && kind !== "m") return false;
  const { rows: [row] } = await session.query(`
    SELECT pg_catalog.pg_table_size(${id})::text, EXISTS (
      SELECT FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      JOIN pg_catalog.pg_am m ON m.oid = c.relam
      WHERE i.indrelid = ${id} AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'
        AND a.attname = ${quoteText(column)})`);
  const [bytes, indexed] = row!;
  const serves = indexed === "t" && where === undefined && orderKind(field) !== "text";
  return Number(bytes) <= SMALL_BYTES || serves;
}

function compare(
  name: string,
  type: string,
  as: NonNullable<WatermarkQuery["as"]>,
  session: Session,
) {
  return comparisonOf(quote(name), type, as, versionOf(session)) ??
    refuseOrder(as, `PostgreSQL, which has it as ${type},`);
}

/** Conditions for a stream's own rows. */
function ownConditions(relation: Relation, own: OwnRows): string[] {
  if ("condition" in own) return [`(${own.condition}\n)`];
  return Object.entries(own.values).map(([name, value]) => {
    const column = columnOf(relation, name, "rows by");
    return `${quote(column.name)} = ${quoteText(String(value))}`;
  });
}

function columnOf({ name: table, columns }: Relation, name: string, what: string) {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new SchemaError(
    `Cannot find ${what} "${name}" in ${displayName(table)}: it has no such column`,
  );
}
