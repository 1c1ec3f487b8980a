/** How MySQL finds the highest value of a field in a table. */
import { orderKind, refuseOrder } from "../../../core/values/value_order.ts";
import type { Field } from "../../../models/field.ts";
import type { WatermarkReader } from "../max_watermark.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import { dialect, quote, textLiteral } from "./dialect.ts";
import { streamRows } from "./extractor.ts";
import { typeMapper } from "./type_mapper.ts";
import type { Session } from "./wire/session.ts";

export const watermarks: WatermarkReader<Session, MySQLTable> = {
  dialect,
  catalog,
  orderColumn(_session, { name }, natural, as) {
    const isMoment = as?.dtype === "timestamp_tz" && natural.dtype === "timestamp";
    if (as !== undefined && !isMoment && orderKind(as) !== orderKind(natural)) {
      refuseOrder(as, `MySQL, which has it as ${natural.dtype},`);
    }
    const field: Field = isMoment ? { ...natural, dtype: "timestamp_tz" } : natural;
    return { field, comparison: dialect.compare(quote(name), field) };
  },
  async searchCost(session, { schema, table, readOnlyKind, columns }, column) {
    if (readOnlyKind !== undefined) return undefined;
    const of = `TABLE_SCHEMA = ${textLiteral(schema)} AND TABLE_NAME = ${textLiteral(table)}`;
    const { rows: [row] } = await session.query(
      `SELECT DATA_LENGTH, EXISTS (SELECT 1 FROM information_schema.STATISTICS
        WHERE ${of} AND SEQ_IN_INDEX = 1 AND INDEX_TYPE = 'BTREE' AND COLUMN_NAME = ${
        textLiteral(column)
      }) FROM information_schema.TABLES WHERE ${of}`,
    );
    // Binary values compare after a cast, which no index serves.
    const type = columns.find(({ name }) => name === column)?.type ?? "";
    const isBinary = typeMapper.fromSource(type).dtype === "binary";
    return { bytes: Number(row![0]), indexed: row![1] === "1" && !isBinary };
  },
  stream: streamRows,
};
