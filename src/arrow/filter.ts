/** Selects rows of batches, column by column. */
import { type Data, DataType, makeData } from "apache-arrow";
import type { Batch } from "../core/contracts/batch.ts";
import type { WatermarkRange } from "../core/contracts/connector.ts";
import { canBeUnordered, compareInOrder, isUnordered } from "../core/values/value_order.ts";
import { compareValues, type Value } from "../core/values/values.ts";
import { classifyType } from "../core/values/kinds.ts";
import type { Field } from "../models/field.ts";
import { byteLength } from "./batch.ts";
import {
  createColumn,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
  valuePusher,
  wrapBatch,
} from "./builder.ts";
import { isNull, unscaledReader, valueReader } from "./reader.ts";

/** Whether to keep a row. */
export type RowPredicate = (row: number) => boolean;

/** Returns the rows that `keep` selects, in their order; the batch itself when it selects all. */
export function filterBatch(batch: Batch, keep: RowPredicate): Batch {
  const runs = findRuns(batch.numRows, keep);
  const length = runs.reduce((sum, [from, to]) => sum + to - from, 0);
  if (length === batch.numRows) return batch;
  const columns = batch.data.children.map((data) => gather(data, runs, length));
  return wrapBatch(batch.schema, columns, length);
}

/** Splits a batch to fit the bounds. A single row larger than the bound is a batch of its own. */
export function* splitBatch(
  batch: Batch,
  bounds: { readonly rows: number; readonly bytes: number },
): Generator<Batch, void, void> {
  const parts = Math.max(
    Math.ceil(batch.numRows / bounds.rows),
    Math.ceil(byteLength(batch) / bounds.bytes),
  );
  if (parts <= 1) return yield batch;
  const size = Math.max(1, Math.floor(batch.numRows / parts));
  for (let from = 0; from < batch.numRows; from += size) {
    yield filterBatch(batch, (row) => row >= from && row < from + size);
  }
}

/** A range of neighbouring rows; its end is exclusive. */
type Run = readonly [number, number];

function findRuns(rows: number, keep: RowPredicate): Run[] {
  const runs: Run[] = [];
  for (let row = 0; row < rows; row++) {
    if (!keep(row)) continue;
    const from = row;
    while (row + 1 < rows && keep(row + 1)) row++;
    runs.push([from, row + 1]);
  }
  return runs;
}

function gather(data: Data, runs: readonly Run[], length: number): Data {
  const { type } = data;
  const nullBitmap = data.nullCount === 0 ? null : gatherBits(data.nullBitmap, data, runs, length);
  const nullCount = nullBitmap === null ? 0 : countNulls(nullBitmap, length);
  const common = { type, length, nullCount, nullBitmap };
  if (DataType.isBool(type)) {
    return makeData({ ...common, data: gatherBits(data.values, data, runs, length) } as never);
  }
  if (DataType.isUtf8(type) || DataType.isBinary(type)) {
    return makeData({ ...common, ...gatherBytes(data, runs, length) } as never);
  }
  return makeData({ ...common, data: gatherNumbers(data, runs, length) } as never);
}

/** Slices a column; copies the rows, unless all are meant or the column is nested. */
export function sliceColumn(data: Data, from: number, to: number): Data {
  const length = to - from;
  if (length === data.length) return data;
  const isFlat = data.children.length === 0 && data.dictionary === undefined &&
    !DataType.isNull(data.type);
  return isFlat ? gather(data, [[from, to]], length) : data.slice(from, length);
}

type Numbers = Uint32Array;

function gatherNumbers(data: Data, runs: readonly Run[], length: number): Numbers {
  const values = data.values as Numbers;
  const { stride } = data;
  const selected = new (values.constructor as { new (size: number): Numbers })(length * stride);
  let at = 0;
  for (const [from, to] of runs) {
    selected.set(values.subarray(from * stride, to * stride), at);
    at += (to - from) * stride;
  }
  return selected;
}

function gatherBytes(data: Data, runs: readonly Run[], length: number) {
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  const size = runs.reduce((sum, [from, to]) => sum + offsets[to]! - offsets[from]!, 0);
  const selected = new Uint8Array(size);
  const valueOffsets = new Int32Array(length + 1);
  let row = 0;
  let end = 0;
  for (const [from, to] of runs) {
    const start = offsets[from]!;
    selected.set(bytes.subarray(start, offsets[to]!), end);
    for (let i = from; i < to; i++) valueOffsets[++row] = end + offsets[i + 1]! - start;
    end = valueOffsets[row]!;
  }
  return { valueOffsets, data: selected };
}

/** Copies bits. Unlike numbers, bits start at the data's offset. */
function gatherBits(
  bits: Uint8Array,
  { offset }: Data,
  runs: readonly Run[],
  length: number,
): Uint8Array {
  const selected = new Uint8Array((length + 7) >> 3);
  let at = 0;
  for (const [from, to] of runs) {
    for (let i = offset + from; i < offset + to; i++, at++) {
      if ((bits[i >> 3]! & (1 << (i & 7))) !== 0) selected[at >> 3]! |= 1 << (at & 7);
    }
  }
  return selected;
}

function countNulls(bitmap: Uint8Array, length: number): number {
  let nulls = 0;
  for (let i = 0; i < length; i++) if ((bitmap[i >> 3]! & (1 << (i & 7))) === 0) nulls++;
  return nulls;
}

/**
 * Returns a test of whether a row's watermark is in a range. Values compare in the field's order:
 * numbers and decimals by value, dates and timestamps to the microsecond, strings by code point.
 * NaN and infinity count as NULL.
 */
export function rangePredicate(range: WatermarkRange, field: Field, data: Data): RowPredicate {
  const { after, upTo } = range;
  const above = after === undefined ? undefined : comparer(field, data, after.value);
  const below = upTo === undefined ? undefined : comparer(field, data, upTo.value);
  const lowest = after?.inclusive === true ? 0 : 1;
  const highest = upTo?.inclusive === true ? 0 : -1;
  const nulls = range.nulls === "include";
  const isUnorderedRow = unorderedReader(field, data);
  return (row) => {
    if (isNull(data, row) || isUnorderedRow?.(row) === true) return nulls;
    return (above === undefined || above(row) >= lowest) &&
      (below === undefined || below(row) <= highest);
  };
}

/** Returns a test for NaN and infinity; undefined for types that have neither. */
function unorderedReader(field: Field, data: Data): RowPredicate | undefined {
  if (!canBeUnordered(field)) return undefined;
  if (field.dtype === "date") {
    const days = data.values as Int32Array;
    return (row) => days[row] === INFINITE_DAY || days[row] === NEGATIVE_INFINITE_DAY;
  }
  if (field.dtype === "timestamp" || field.dtype === "timestamp_tz") {
    const micros = data.values as BigInt64Array;
    return (row) => micros[row] === INFINITE_MICROS || micros[row] === NEGATIVE_INFINITE_MICROS;
  }
  const read = valueReader(field, data);
  return (row) => isUnordered(read(row) as Exclude<Value, null>, field);
}

/** Compares a row's value with a bound; returns -1, 0 or 1. */
type Comparer = (row: number) => number;

function comparer(field: Field, data: Data, bound: Exclude<Value, null>): Comparer {
  if (field.order === "number") {
    const read = valueReader(field, data);
    return (row) => Math.sign(compareInOrder(read(row) as Exclude<Value, null>, bound, field));
  }
  switch (classifyType(field.dtype)) {
    case "integer":
    case "long":
    case "date":
    case "time":
    case "timestamp": {
      const values = data.values as ArrayLike<number>;
      const boundValue = (singleColumn(field, bound).values as ArrayLike<number>)[0]!;
      return (row) => compareNumbers(values[row]!, boundValue);
    }
    case "decimal": {
      const read = unscaledReader(data);
      const boundValue = unscaledReader(singleColumn(field, bound))(0);
      return (row) => compareNumbers(read(row), boundValue);
    }
    case "string":
    case "binary":
      return bytesComparer(data, singleColumn(field, bound).values as Uint8Array);
    default: {
      const read = valueReader(field, data);
      return (row) =>
        Math.sign(compareValues(read(row) as Exclude<Value, null>, bound, field.dtype));
    }
  }
}

/** Builds a column of one value, to bring a bound into the raw form of the rows. */
function singleColumn(field: Field, value: Exclude<Value, null>): Data {
  const column = createColumn(field);
  valuePusher(field, column)(value);
  return column.take();
}

function compareNumbers<T extends number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares UTF-8 bytes, which order as their code points do. */
function bytesComparer(data: Data, boundValue: Uint8Array): Comparer {
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  return (row) => {
    const start = offsets[row]!;
    const length = offsets[row + 1]! - start;
    const common = Math.min(length, boundValue.length);
    for (let i = 0; i < common; i++) {
      const difference = bytes[start + i]! - boundValue[i]!;
      if (difference !== 0) return Math.sign(difference);
    }
    return Math.sign(length - boundValue.length);
  };
}
