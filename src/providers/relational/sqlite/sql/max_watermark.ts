/** How SQLite finds the highest value of a field in a table. */
import { orderKind, refuseOrder } from "../../../../core/values/value_order.ts";
import type { Field } from "../../../../models/field.ts";
import type { WatermarkReader } from "../../max_watermark.ts";
import { catalog, type SqliteTable } from "./catalog.ts";
import { dialect, quote } from "./dialect.ts";
import { streamBatches } from "./row_cursor.ts";
import { queryRows, type SqliteSession } from "./session.ts";
import { comparingDialect, dayPrefilter } from "./watermark_order.ts";

export const watermarks: WatermarkReader<SqliteSession, SqliteTable> = {
  dialect,
  catalog,
  orderColumn({ database }, { name }, natural, as) {
    const field = orderedAs(natural, as);
    return { field, comparison: comparingDialect(database).compare(quote(name), field) };
  },
  checkOrder(_session, as) {
    if (orderKind(as) === undefined) refuseOrder(as, "SQLite");
  },
  async narrow(session, table, field, conditions) {
    return await lastDays(session, table, field, conditions);
  },
  // The size of the whole database, since SQLite does not record that of a table.
  async searchCost(session) {
    const { rows: [row] } = await session.query(
      "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    );
    return { bytes: Number(row![0]), indexed: false };
  },
  stream: ({ database }, request) => streamBatches(database, request),
};

/** The column as it is read and compared, so that the order is that of the stream's field. */
function orderedAs(found: Field, as: Field | undefined): Field {
  if (as === undefined) return found;
  if (orderKind(as) === undefined) refuseOrder(as, "SQLite");
  if (as.order === "number") return { ...found, dtype: "string", order: "number" };
  const [kind, wanted] = [orderKind(found), orderKind(as)];
  if (kind === wanted) return found;
  if (kind !== "text") return refuseOrder(as, `SQLite, which has it as ${found.dtype},`);
  // A column of text: the values in it are written as those of the stream's field.
  if (wanted === "number") return { ...found, order: "number" };
  return { ...as, name: found.name };
}

/**
 * A condition that leaves the last days of dates and timestamps to be compared one by one: text
 * that begins with a date sorts by day in every shape.
 */
function lastDays(
  { database }: SqliteSession,
  { name: table }: SqliteTable,
  { name, dtype }: Field,
  conditions: readonly string[],
): string[] {
  if (!["date", "timestamp", "timestamp_tz"].includes(dtype)) return [];
  const column = quote(name);
  // A colon follows the digits; words such as infinity come after it.
  const [row] = queryRows(
    database,
    `SELECT max(${column}) FROM ${table} WHERE ${column} < ':' AND ${conditions.join(" AND ")}`,
  );
  const match = /^\d{4}-\d\d-\d\d/.exec(String(row![0]));
  const day = match === null ? undefined : dayBefore(match[0]);
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
