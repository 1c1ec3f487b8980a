/** Finds the highest watermark of a table, in the session's transaction. */
import { valueReader } from "../../arrow/mod.ts";
import { SchemaError } from "../../core/errors.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { ExtractRequest } from "../../core/contracts/extractor.ts";
import type { OwnRows, WatermarkQuery } from "../../core/contracts/loader.ts";
import type { SourceWatermark } from "../../core/contracts/provider.ts";
import { orderKind } from "../../core/values/value_order.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { SqlConnector } from "./connector.ts";
import type { Catalog, ColumnOf, Comparison, Dialect, SqlSession, Table } from "./contract.ts";
import { tableName } from "./names.ts";
import { parenthesize } from "./select.ts";

type Found = Exclude<Value, null> | undefined;

/** A column whose values compare in the order of the stream's field. */
export interface OrderedColumn {
  /** The field that its values are read as. */
  readonly field: Field;
  readonly comparison: Comparison;
}

/** The cost of a search for a column's highest value. */
export interface SearchCost {
  /** Size of the table, or of the database where the system knows no other. */
  readonly bytes: number;
  /** An index begins with the column and has its order. */
  readonly indexed: boolean;
}

/** The part of the search that differs between systems. */
export interface WatermarkReader<S extends SqlSession, T extends Table> {
  readonly dialect: Dialect;
  readonly catalog: Catalog<S, T>;
  /**
   * @param field the column as the catalogue has it
   * @param as the stream's field; that of the column when unset
   * @throws {SchemaError} when the system compares the column in another order
   */
  orderColumn(session: S, column: ColumnOf<T>, field: Field, as: Field | undefined): OrderedColumn;
  /** @throws {SchemaError} when a table that does not exist yet could not compare the field */
  checkOrder?(session: S, as: Field): void;
  /** Further conditions, which an index serves and which hold for the highest value. */
  narrow?(
    session: S,
    table: T,
    field: Field,
    conditions: readonly string[],
  ): Promise<readonly string[]>;
  /** Returns the cost of a search for a column's highest value; undefined for a view. */
  searchCost(session: S, table: T, column: string): Promise<SearchCost | undefined>;
  /** Reads rows in the session's transaction. */
  stream(session: S, request: ExtractRequest): AsyncIterable<Batch>;
}

/**
 * Undefined when there is no table, or no row that has a value.
 *
 * @throws {SchemaError} when the table has no such column, or compares it in another order
 */
export async function findMaxWatermark<S extends SqlSession, T extends Table>(
  reader: WatermarkReader<S, T>,
  session: S,
  { target, field: name, as, own }: WatermarkQuery,
): Promise<Found> {
  const { dialect, catalog } = reader;
  const table = await catalog.find(session, tableName(target));
  if (table === undefined) {
    if (as !== undefined) reader.checkOrder?.(session, as);
    return undefined;
  }
  const findColumn = (wanted: string, what: string): ColumnOf<T> => {
    const folded = dialect.foldName(wanted);
    const column = table.columns.find((one) => dialect.foldName(one.name) === folded);
    if (column !== undefined) return column;
    throw new SchemaError(
      `Cannot find ${what} "${wanted}" in ${table.label}: it has no such column`,
    );
  };
  const column = findColumn(name, "the highest");
  const fields = await catalog.getFields(session, table);
  const natural = fields.find((one) => one.name === column.name)!;
  const { field, comparison } = reader.orderColumn(session, column, natural, as);
  const sql = dialect.quote(column.name);
  const conditions = [
    `${sql} IS NOT NULL`,
    ...(comparison.placeless === undefined ? [] : [`NOT (${comparison.placeless})`]),
    ...(own === undefined ? [] : ownConditions(own, dialect, (one) => findColumn(one, "rows by"))),
  ];
  conditions.push(...await reader.narrow?.(session, table, field, conditions) ?? []);
  // max() does not exist for every type that has an order; an index serves this as well.
  const query = `SELECT ${sql} FROM ${table.name} WHERE ${
    conditions.join(" AND ")
  } ORDER BY ${comparison.sql} DESC LIMIT 1`;
  return await readOne(reader, session, query, column.name, field);
}

/** Conditions for a stream's own rows. */
function ownConditions(
  own: OwnRows,
  { quote, equal }: Dialect,
  findColumn: (name: string) => ColumnOf<Table>,
): string[] {
  if ("condition" in own) return [parenthesize(own.condition)];
  return Object.entries(own.values).map(([name, value]) =>
    equal(quote(findColumn(name).name), value)
  );
}

async function readOne<S extends SqlSession, T extends Table>(
  reader: WatermarkReader<S, T>,
  session: S,
  sql: string,
  column: string,
  field: Field,
): Promise<Found> {
  let max: Found;
  const batches = reader.stream(session, {
    source: { type: "sql", sql },
    projections: [{ field, column }],
    batchRows: 1,
    batchBytes: 1,
    signal: new AbortController().signal,
  });
  for await (const batch of batches) {
    max = valueReader(field, batch.data.children[0]!)(0) ?? undefined;
  }
  return max as Found;
}

/** Bytes up to which a table without a suitable index is read to find its highest value. */
const SMALL_BYTES = 16 * 1024 * 1024;

/**
 * Finds the highest watermark of a source that is a table, if an index serves the search or the table is
 * small. Returns undefined for other sources.
 */
export function findSourceMax<S extends SqlSession, T extends Table, E>(
  connector: Pick<SqlConnector<S, T, E>, "reading">,
  reader: WatermarkReader<S, T>,
  { source, projection: { column, field } }: SourceWatermark,
): Promise<Found> {
  return connector.reading(async (session) => {
    if (source.type !== "relation" || column === undefined) return undefined;
    const { where, ...target } = source;
    const table = await reader.catalog.find(session, tableName(target));
    const cost = table && await reader.searchCost(session, table, column);
    if (cost === undefined) return undefined;
    // An index on text has the order of its collation, which is not that of code points.
    const serves = cost.indexed && where === undefined && orderKind(field) !== "text";
    if (cost.bytes > SMALL_BYTES && !serves) return undefined;
    const own = where === undefined ? {} : { own: { condition: where } };
    return await findMaxWatermark(reader, session, { target, field: column, as: field, ...own });
  });
}
