/** Questions about whole batches, and batches made from batches. */
import type { Data } from "apache-arrow";
import type { Batch } from "../core/batch.ts";
import { compareValues, isIntegerType, type Value } from "../core/values.ts";
import type { Field } from "../models/field.ts";
import { batchOfData } from "./builder.ts";
import { valueReader } from "./reader.ts";
import { arrowSchema, fieldsOf } from "./schema.ts";

/** The batch with more columns at its end. */
export function withColumns(
  batch: Batch,
  columns: readonly { field: Field; data: Data }[],
): Batch {
  const fields = [...fieldsOf(batch.schema), ...columns.map(({ field }) => field)];
  const data = [...batch.data.children, ...columns.map((column) => column.data)];
  return batchOfData(arrowSchema(fields), data, batch.numRows);
}

/** The first rows of a batch. */
export function firstRows(batch: Batch, rows: number): Batch {
  return rows >= batch.numRows ? batch : batch.slice(0, rows);
}

/** NULLs in each column of a batch. */
export function nullCounts(batch: Batch): number[] {
  return batch.data.children.map((data) => data.nullCount);
}

/** Bytes that the values of a batch take. */
export function byteLength(batch: Batch): number {
  return batch.data.children.reduce((sum, data) => sum + data.byteLength, 0);
}

/** The first row of a column that is NULL; -1 when there is none. */
export function firstNull(batch: Batch, column: number): number {
  const { nullCount, nullBitmap, offset, length } = batch.data.children[column]!;
  if (nullCount === 0) return -1;
  for (let row = 0; row < length; row++) {
    const at = offset + row;
    if ((nullBitmap[at >> 3]! & (1 << (at & 7))) === 0) return row;
  }
  return -1;
}

/** Highest value of a column, NULLs left out; null when there are no others. */
export function maxOf(batch: Batch, column: number, field: Field): Value {
  const data = batch.data.children[column]!;
  const read = valueReader(field, data);
  const raw = data.values as ArrayLike<number> & ArrayLike<bigint>;
  let best = -1;
  let max: Value = null;
  const isRaw = hasRawOrder(field);
  for (let row = 0; row < data.length; row++) {
    if (isRaw && best >= 0 && raw[row]! <= raw[best]!) continue;
    const value = read(row);
    if (value === null) continue;
    if (max === null || compareValues(value, max, field.dtype) > 0) [best, max] = [row, value];
  }
  return max;
}

const TIMES: ReadonlySet<string> = new Set(["date", "time", "timestamp", "timestamp_tz"]);

/** Whether a column holds one number for each row, in the order of the values. */
function hasRawOrder({ dtype }: Field): boolean {
  return isIntegerType(dtype) || TIMES.has(dtype);
}
