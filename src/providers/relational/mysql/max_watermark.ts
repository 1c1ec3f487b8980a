/** How MySQL finds the highest value of a field in a table. */
import { orderKind, refuseOrder } from "../../../core/values/value_order.ts";
import type { Field } from "../../../models/field.ts";
import type { WatermarkReader } from "../max_watermark.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import { dialect, quote } from "./dialect.ts";
import { streamRows } from "./extractor.ts";
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
  stream: streamRows,
};
