/** Measures batches, and derives batches from batches. */
import type { Data } from "apache-arrow";
import type { Batch } from "../core/contracts/batch.ts";
import { canBeUnordered, compareInOrder, isUnordered } from "../core/values/value_order.ts";
import { isIntegerType, type Value } from "../core/values/values.ts";
import type { Field } from "../models/field.ts";
import {
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
  wrapBatch,
} from "./builder.ts";
import { isNull, valueReader } from "./reader.ts";
import { arrowSchema, readFields } from "./schema.ts";

/** Appends columns to a batch. */
export function withColumns(
  batch: Batch,
  columns: readonly { field: Field; data: Data }[],
): Batch {
  const fields = [...readFields(batch.schema), ...columns.map(({ field }) => field)];
  const data = [...batch.data.children, ...columns.map((column) => column.data)];
  return wrapBatch(arrowSchema(fields), data, batch.numRows);
}

/** Returns the first rows of a batch. */
export function firstRows(batch: Batch, rows: number): Batch {
  return rows >= batch.numRows ? batch : batch.slice(0, rows);
}

/** Returns the last rows of a batch. */
export function lastRows(batch: Batch, rows: number): Batch {
  return rows >= batch.numRows ? batch : batch.slice(batch.numRows - rows);
}

/** Counts the NULLs in each column of a batch. */
export function nullCounts(batch: Batch): number[] {
  return batch.data.children.map((data) => data.nullCount);
}

/** Bytes that the values of a batch take in memory. */
export function byteLength(batch: Batch): number {
  return batch.data.children.reduce((sum, data) => sum + data.byteLength, 0);
}

/** Finds the first NULL of a column; -1 when it has none. */
export function firstNull(batch: Batch, column: number): number {
  const { nullCount, nullBitmap, offset, length } = batch.data.children[column]!;
  if (nullCount === 0) return -1;
  for (let row = 0; row < length; row++) {
    const at = offset + row;
    if ((nullBitmap[at >> 3]! & (1 << (at & 7))) === 0) return row;
  }
  return -1;
}

/** Returns a test of whether a row of a column is NULL. */
export function nullTest(batch: Batch, column: number): (row: number) => boolean {
  const data = batch.data.children[column]!;
  return (row) => isNull(data, row);
}

/** The watermarks in one column of a batch. */
export interface Watermarks {
  /** Highest value; null when the column has none. NULL, NaN and infinity do not count. */
  readonly max: Value;
  /** Row of the highest value; -1 when the column has none. */
  readonly row: number;
  /** Number of values that are NaN or infinite, and the row of the first one, else -1. */
  readonly unordered: number;
  readonly firstUnordered: number;
}

/** Measures the watermarks of a column in one pass over its values. */
export function measureWatermarks(batch: Batch, column: number, field: Field): Watermarks {
  const data = batch.data.children[column]!;
  const read = valueReader(field, data);
  const raw = data.values as ArrayLike<number> & ArrayLike<bigint>;
  const isRaw = hasRawOrder(field);
  const mayBeUnordered = canBeUnordered(field);
  const isInfinite = mayBeUnordered && isRaw ? infinityTest(field) : undefined;
  let max: Value = null;
  let row = -1;
  let unordered = 0;
  let firstUnordered = -1;
  for (let at = 0; at < data.length; at++) {
    if (isRaw && row >= 0 && raw[at]! <= raw[row]! && isInfinite?.(raw[at]!) !== true) continue;
    const value = read(at);
    if (value === null) continue;
    if (mayBeUnordered && isUnordered(value, field)) {
      if (unordered++ === 0) firstUnordered = at;
    } else if (max === null || compareInOrder(value, max, field) > 0) [row, max] = [at, value];
  }
  return { max, row, unordered, firstUnordered };
}

/** Returns the highest value of a column; null when it has none. */
export function maxValue(batch: Batch, column: number, field: Field): Value {
  return measureWatermarks(batch, column, field).max;
}

/** Tests whether the number of a date or timestamp stands for infinity. */
function infinityTest({ dtype }: Field): (raw: number | bigint) => boolean {
  return dtype === "date"
    ? (raw) => raw === INFINITE_DAY || raw === NEGATIVE_INFINITE_DAY
    : (raw) => raw === INFINITE_MICROS || raw === NEGATIVE_INFINITE_MICROS;
}

const TIMES: ReadonlySet<string> = new Set(["date", "time", "timestamp", "timestamp_tz"]);

/** Whether a column holds one number a row, and its numbers order as its values do. */
function hasRawOrder({ dtype }: Field): boolean {
  return isIntegerType(dtype) || TIMES.has(dtype);
}
