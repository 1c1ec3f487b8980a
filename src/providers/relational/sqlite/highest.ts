/** The highest value of a field in a table. */
import type { DatabaseSync } from "node:sqlite";
import { columnFor, valueReader } from "../../../arrow/mod.ts";
import { SchemaError } from "../../../core/errors.ts";
import type { Value } from "../../../core/values.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamRef } from "../../../models/source.ts";
import { quoteTable } from "../sql.ts";
import { fieldsOfRef } from "./catalogue.ts";
import { fold, mainTable, quote } from "./dialect.ts";
import { dayPrefilter, defineOrder, orderSQL } from "./order.ts";
import { type Raw, rawPusher } from "./reading.ts";
import { mayBeText, TextEncoding, wholeSQL } from "./text.ts";

/** Highest value in the type's own order; undefined when there is no table, or no value. */
export function highest(
  database: DatabaseSync,
  ref: StreamRef,
  name: string,
): Exclude<Value, null> | undefined {
  const fields = fieldsOfRef(database, ref);
  if (fields === undefined) return undefined;
  const field = fields.find((one) => fold(one.name) === fold(name));
  const table = mainTable(ref);
  if (field === undefined) {
    throw new SchemaError(`Cannot find the watermark of "${table.name}": no column "${name}"`);
  }
  const from = quoteTable(table, { quote });
  const column = quote(field.name);
  const conditions = [`${column} IS NOT NULL`, ...lastDays(database, from, field)];
  defineOrder(database, field);
  const found = database.prepare(
    `SELECT ${mayBeText(field) ? wholeSQL(column) : column} AS value FROM ${from}
     WHERE ${conditions.join(" AND ")} ORDER BY ${orderSQL(column, field)} DESC LIMIT 1`,
  );
  found.setReadBigInts(true);
  const row = found.get() as { value: Raw } | undefined;
  if (row === undefined) return undefined;
  const encoding = new TextEncoding(database);
  const raw = mayBeText(field) ? encoding.decode(row.value, field) : row.value;
  return valueOf(raw, field);
}

function valueOf(raw: Raw, field: Field): Exclude<Value, null> {
  const column = columnFor(field);
  rawPusher(field, column)(raw);
  return valueReader(field, column.take())(0) as Exclude<Value, null>;
}

/**
 * A condition that leaves the last days of dates and timestamps to be compared one by one: text
 * that begins with a date sorts by day in every shape.
 */
function lastDays(database: DatabaseSync, from: string, field: Field): string[] {
  if (!["date", "timestamp", "timestamp_tz"].includes(field.dtype)) return [];
  const column = quote(field.name);
  // A colon follows the digits; words such as infinity come after it.
  const last = database.prepare(`SELECT max(${column}) AS day FROM ${from} WHERE ${column} < ':'`)
    .get()!["day"];
  const match = /^\d{4}-\d\d-\d\d/.exec(String(last));
  if (match === null) return [];
  const day = dayBefore(match[0]);
  return day === undefined ? [] : [`(${dayPrefilter(column, day)} OR ${column} >= ':')`];
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
