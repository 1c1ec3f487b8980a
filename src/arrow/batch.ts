/** Questions about whole batches, and batches made from batches. */
import type { Data } from "apache-arrow";
import type { Batch } from "../core/contracts/batch.ts";
import { canBeUnordered, compareInOrder, isUnordered } from "../core/values/value_order.ts";
import { isIntegerType, type Value } from "../core/values/values.ts";
import type { Field } from "../models/field.ts";
import {
  batchOfData,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "./builder.ts";
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

/** What a column tells of its watermarks. */
export interface Watermarks {
  /** Highest value; null when there is none. NULL, NaN and infinity are never the highest. */
  readonly max: Value;
  /** Row of the highest value; -1 when there is none. */
  readonly row: number;
  /** Values that are NaN or infinite, and the row of the first; -1 when there is none. */
  readonly placeless: number;
  readonly firstPlaceless: number;
}

/** Looks at each value of a column once. */
export function watermarksOf(batch: Batch, column: number, field: Field): Watermarks {
  const data = batch.data.children[column]!;
  const read = valueReader(field, data);
  const raw = data.values as ArrayLike<number> & ArrayLike<bigint>;
  const isRaw = hasRawOrder(field);
  const mayBePlaceless = canBeUnordered(field);
  const isNowhere = mayBePlaceless && isRaw ? infinities(field) : undefined;
  let max: Value = null;
  let row = -1;
  let placeless = 0;
  let firstPlaceless = -1;
  for (let at = 0; at < data.length; at++) {
    if (isRaw && row >= 0 && raw[at]! <= raw[row]! && isNowhere?.(raw[at]!) !== true) continue;
    const value = read(at);
    if (value === null) continue;
    if (mayBePlaceless && isUnordered(value, field)) {
      if (placeless++ === 0) firstPlaceless = at;
    } else if (max === null || compareInOrder(value, max, field) > 0) [row, max] = [at, value];
  }
  return { max, row, placeless, firstPlaceless };
}

/** Highest value of a column; null when there is none. */
export function maxValue(batch: Batch, column: number, field: Field): Value {
  return watermarksOf(batch, column, field).max;
}

/** Whether the number of a date or timestamp stands for infinity. */
function infinities({ dtype }: Field): (raw: number | bigint) => boolean {
  return dtype === "date"
    ? (raw) => raw === INFINITE_DAY || raw === NEGATIVE_INFINITE_DAY
    : (raw) => raw === INFINITE_MICROS || raw === NEGATIVE_INFINITE_MICROS;
}

const TIMES: ReadonlySet<string> = new Set(["date", "time", "timestamp", "timestamp_tz"]);

/** Whether a column holds one number for each row, in the order of the values. */
function hasRawOrder({ dtype }: Field): boolean {
  return isIntegerType(dtype) || TIMES.has(dtype);
}
