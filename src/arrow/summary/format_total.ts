/** Prints totals of columns, which summaries have as Arrow stores them. */
import { formatValue } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { wrapBuffers } from "../data.ts";
import { decimalText, valueReader } from "../reader.ts";

/** Returns the lowest or highest value or the sum of a column as `formatValue` prints values of its type. */
export function formatTotal(
  field: Field,
  total: "min" | "max" | "sum",
  value: string | number,
): string {
  const { dtype, scale = 0 } = field;
  if (dtype === "decimal") return decimalText(BigInt(value), scale);
  const data = total === "sum"
    ? undefined
    : dtype === "date"
    ? Int32Array.of(Number(value))
    : /^time/.test(dtype)
    ? BigInt64Array.of(BigInt(value))
    : undefined;
  if (data === undefined) return String(value);
  const column = wrapBuffers(field, { length: 1, nullCount: 0, nullBitmap: null, data });
  return formatValue(valueReader(field, column)(0)!);
}
