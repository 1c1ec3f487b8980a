/** Reads values and records from batches. */
import { type Data, DataType, type Decimal } from "apache-arrow";
import type { Field } from "../models/field.ts";
import { ValueError } from "../core/errors.ts";
import type { Batch } from "../core/contracts/batch.ts";
import {
  type DXTRecord,
  INFINITY,
  JSONText,
  NEGATIVE_INFINITY,
  type Value,
} from "../core/values/values.ts";
import {
  DAY_MICROS,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "./builder.ts";
import { readFields } from "./schema.ts";

/** Returns the value of one row of a column. */
export type ReadValue = (row: number) => Value;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const EPOCH_DATE = new Temporal.PlainDate(1970, 1, 1);

/** Whether a row of a column is NULL. */
export function isNull(data: Data, row: number): boolean {
  if (DataType.isNull(data.type)) return true;
  if (data.nullCount === 0 || data.nullBitmap.length === 0) return false;
  const at = data.offset + row;
  return (data.nullBitmap[at >> 3]! & (1 << (at & 7))) === 0;
}

/** Returns a reader of a column in the layout of `createColumn`. */
export function valueReader(field: Field, data: Data): ReadValue {
  const read = presentReader(field, data);
  if (data.nullCount === 0) return read;
  return (row) => isNull(data, row) ? null : read(row);
}

function presentReader(field: Field, data: Data): ReadValue {
  const values = data.values;
  switch (field.dtype) {
    case "bool":
      return (row) => {
        const at = data.offset + row;
        return (values[at >> 3] & (1 << (at & 7))) !== 0;
      };
    case "decimal":
      return decimalReader(data, field.scale ?? 0);
    case "date":
      return (row) => {
        const day = values[row];
        if (day === INFINITE_DAY) return INFINITY;
        if (day === NEGATIVE_INFINITE_DAY) return NEGATIVE_INFINITY;
        return makeInRange(field, row, day, () => EPOCH_DATE.add({ days: day }));
      };
    case "time":
      return (row) => makeInRange(field, row, values[row], () => toPlainTime(values[row]));
    case "timestamp":
      return (row) =>
        infinityText(values[row]) ??
          makeInRange(field, row, values[row], () => toPlainDateTime(values[row]));
    case "timestamp_tz":
      return (row) =>
        infinityText(values[row]) ??
          makeInRange(field, row, values[row], () => new Temporal.Instant(values[row] * 1000n));
    case "string": {
      const offsets = data.valueOffsets as Int32Array;
      return (row) => utf8.decode(values.subarray(offsets[row], offsets[row + 1]));
    }
    case "binary": {
      const offsets = data.valueOffsets as Int32Array;
      return (row) => values.slice(offsets[row], offsets[row + 1]);
    }
    case "json":
    case "array":
    case "object": {
      const offsets = data.valueOffsets as Int32Array;
      return (row) => new JSONText(utf8.decode(values.subarray(offsets[row], offsets[row + 1])));
    }
    default:
      return (row) => values[row];
  }
}

/** Makes a value; throws a ValueError where Arrow's number is outside Temporal's range. */
export function makeInRange<T>(field: Field, row: number, raw: number | bigint, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ValueError) throw error;
    const expected = field.dtype === "time" ? "a time of day" : "a year up to 275760";
    throw new ValueError(`expected ${expected}`, field.name, row + 1, String(raw));
  }
}

function infinityText(micros: bigint): string | undefined {
  if (micros === INFINITE_MICROS) return INFINITY;
  return micros === NEGATIVE_INFINITE_MICROS ? NEGATIVE_INFINITY : undefined;
}

/** Converts microseconds since midnight to a time of day. */
export function toPlainTime(micros: bigint): Temporal.PlainTime {
  const total = Number(micros);
  const seconds = Math.floor(total / 1_000_000);
  const remainder = total - seconds * 1_000_000;
  return new Temporal.PlainTime(
    Math.floor(seconds / 3600),
    Math.floor(seconds / 60) % 60,
    seconds % 60,
    Math.floor(remainder / 1000),
    remainder % 1000,
  );
}

/** Converts microseconds since 1970 to a date and time without zone. */
export function toPlainDateTime(micros: bigint): Temporal.PlainDateTime {
  let days = micros / DAY_MICROS;
  let remainder = micros % DAY_MICROS;
  if (remainder < 0n) {
    remainder += DAY_MICROS;
    days -= 1n;
  }
  return EPOCH_DATE.add({ days: Number(days) }).toPlainDateTime(toPlainTime(remainder));
}

/** Returns a reader of unscaled decimals in two or four 64-bit words, lowest word first. */
export function unscaledReader(data: Data): (row: number) => bigint {
  const words = data.values as Uint32Array;
  const width = (data.type as Decimal).bitWidth / 32;
  return (row) => {
    let value = BigInt(words[row * width + width - 1]! | 0);
    for (let word = width - 2; word >= 0; word--) {
      value = (value << 32n) | BigInt(words[row * width + word]!);
    }
    return value;
  };
}

/** Returns a reader of decimals as plain digits, `scale` of them after the point. */
export function decimalReader(data: Data, scale: number): (row: number) => string {
  const unscaled = unscaledReader(data);
  return (row) => decimalText(unscaled(row), scale);
}

/** Formats an unscaled value as plain digits, `scale` of them after the point. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return String(unscaled);
  const negative = unscaled < 0n;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, "0");
  const point = digits.length - scale;
  return `${negative ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Returns readers of all columns of a batch, in the order of its fields. */
export function valueReaders(batch: Batch, fields: readonly Field[]): ReadValue[] {
  return fields.map((field, i) => valueReader(field, batch.data.children[i]!));
}

/** Reads the records of a batch that dxt built. */
export function* readRecords(batch: Batch): Generator<DXTRecord, void, void> {
  const fields = readFields(batch.schema);
  const readers = valueReaders(batch, fields);
  for (let row = 0; row < batch.numRows; row++) {
    // Unlike an assignment, this keeps a field named __proto__.
    yield Object.fromEntries(fields.map(({ name }, i) => [name, readers[i]!(row)]));
  }
}
