/** The highest value of a field in a table. */
import type { DatabaseSync } from "node:sqlite";
import { createColumn, valueReader } from "../../../../arrow/mod.ts";
import { SchemaError } from "../../../../core/errors.ts";
import type { OwnRows, WatermarkQuery } from "../../../../core/contracts/loader.ts";
import type { SourceWatermark } from "../../../../core/contracts/provider.ts";
import { orderKind, refuseOrder } from "../../../../core/values/value_order.ts";
import type { Value } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import { quoteTable } from "../../names.ts";
import { presentConditions } from "../../select.ts";
import { fieldsOfRef } from "./catalog.ts";
import type { SqliteConnector } from "../connector.ts";
import { dialect, foldName, mainTable, quote } from "./dialect.ts";
import { comparingDialect, dayPrefilter, literal } from "./watermark_order.ts";
import { type Raw, rawPusher } from "../types/read_value.ts";
import { mayBeText, TextEncoding } from "../types/text_encoding.ts";

/**
 * Highest value in the order of the stream's field; undefined when there is no table, or no value.
 *
 * @throws {SchemaError} when SQLite keeps the field in a column that compares otherwise
 */
export function selectMaxWatermark(
  database: DatabaseSync,
  { target, field: name, as, own }: WatermarkQuery,
): Exclude<Value, null> | undefined {
  const fields = fieldsOfRef(database, target);
  if (fields === undefined) return undefined;
  const table = mainTable(target);
  const find = (what: string, wanted: string): Field => {
    const found = fields.find((one) => foldName(one.name) === foldName(wanted));
    if (found !== undefined) return found;
    throw new SchemaError(`Cannot find ${what} "${table.name}": no column "${wanted}"`);
  };
  const field = orderedAs(find("the watermark of", name), as);
  const from = quoteTable(table, { quote });
  const column = quote(field.name);
  const mine = own === undefined ? [] : ownConditions(own, (wanted) => find("own rows of", wanted));
  const { sql, placeless } = comparingDialect(database).compare(column, field);
  const conditions = [...presentConditions(column, placeless), ...mine];
  conditions.push(...lastDays(database, from, field, conditions));
  const encoding = new TextEncoding(database);
  const found = database.prepare(
    `SELECT ${dialect.select(column, field)} AS value FROM ${from}
     WHERE ${conditions.join(" AND ")} ORDER BY ${sql} DESC LIMIT 1`,
  );
  found.setReadBigInts(true);
  const row = found.get() as
    | { value: Raw }
    | undefined;
  if (row === undefined) return undefined;
  const raw = mayBeText(field) ? encoding.decode(row.value, field) : row.value;
  return valueOf(raw, field);
}

/** Bytes of a database of which a table is read as a whole to find its highest value. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** Highest watermark of a table in a small database; undefined of other sources. */
export async function sourceMaxWatermark(
  connector: SqliteConnector,
  { source, projection: { column, field } }: SourceWatermark,
): Promise<Exclude<Value, null> | undefined> {
  if (source.type !== "relation" || column === undefined) return undefined;
  const own = source.where === undefined ? {} : { own: { condition: source.where } };
  const { where: _where, ...target } = source;
  return await connector.read((database) => {
    const { bytes } = database.prepare(
      "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
    ).get()!;
    if (Number(bytes) > SMALL_BYTES) return undefined;
    return selectMaxWatermark(database, { target, field: column, as: field, ...own });
  });
}

/** The column as it is read and compared, so that the order is that of the stream's field. */
function orderedAs(found: Field, as: Field | undefined): Field {
  if (as === undefined) return found;
  if (as.order === "number") return { ...found, dtype: "string", order: "number" };
  const [kind, wanted] = [orderKind(found), orderKind(as)];
  if (kind === wanted) return found;
  if (kind !== "text") return refuseOrder(as, `SQLite, which has it as ${found.dtype},`);
  // A column of text: the values in it are written as those of the stream's field.
  if (wanted === "number") return { ...found, order: "number" };
  return { ...as, name: found.name };
}

/** Text is compared as it is, whatever collation the column has. */
function ownConditions(own: OwnRows, find: (name: string) => Field): string[] {
  if ("condition" in own) return [`(${own.condition}\n)`];
  return Object.entries(own.values).map(([name, value]) => {
    const wanted = typeof value === "string" ? literal(value) : String(Number(value));
    return `${quote(find(name).name)} COLLATE BINARY = ${wanted}`;
  });
}

function valueOf(raw: Raw, field: Field): Exclude<Value, null> {
  const column = createColumn(field);
  rawPusher(field, column)(raw);
  return valueReader(field, column.take())(0) as Exclude<Value, null>;
}

/**
 * A condition that leaves the last days of dates and timestamps to be compared one by one: text
 * that begins with a date sorts by day in every shape.
 */
function lastDays(
  database: DatabaseSync,
  from: string,
  field: Field,
  conditions: readonly string[],
): string[] {
  if (!["date", "timestamp", "timestamp_tz"].includes(field.dtype)) return [];
  const column = quote(field.name);
  // A colon follows the digits; words such as infinity come after it.
  const last = database.prepare(
    `SELECT max(${column}) AS day FROM ${from} WHERE ${column} < ':' AND ${
      conditions.join(" AND ")
    }`,
  ).get()!["day"];
  const match = /^\d{4}-\d\d-\d\d/.exec(String(last));
  if (match === null) return [];
  const day = dayBefore(match[0]);
  if (day === undefined) return [];
  return [`(${dayPrefilter(column, day)} OR ${column} >= ':')`];
}

/** The day before, since another offset is at most a day away. */
function dayBefore(text: string): string | undefined {
  try {
    const day = Temporal.PlainDate.from(text).subtract({ days: 1 });
    return day.year < 0 ? undefined : day.toString();
  } catch {
    return undefined;
  }
}
