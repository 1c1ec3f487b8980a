/** Decodes columns whose values the library would change. */
import {
  type BigColumn,
  type BytesColumn,
  type Column,
  createColumn,
  type Data,
  DAY_MICROS,
  isNull,
  type NumberColumn,
  type Schema,
  wrapBatch,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { type MappedType, UUID } from "../../../core/contracts/type_mapper.ts";
import { ValueError } from "../../../core/errors.ts";
import { UUID_BYTES, UUID_CHARACTERS, writeUUID } from "../../../core/values/uuid.ts";
import { integerBounds, type IntegerType, isIntegerType } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import type { RawType } from "./footer.ts";

/** Bytes of an INT96 or INTERVAL value. */
const WIDTH = 12;
/** The Julian day of 1970-01-01: https://en.wikipedia.org/wiki/Julian_day */
const EPOCH_DAY = 2_440_588n;
/** Bound of Temporal's calendar, in microseconds before and after 1970. */
const CALENDAR = 100_000_001n * DAY_MICROS;

/** A column whose values are decoded here. */
export interface RawColumn {
  readonly raw: RawType;
  readonly field: Field;
}

/** Describes a raw column; an interval becomes an ISO 8601 duration as text. */
export function createRawColumn(name: string, nullable: boolean, raw: RawType): RawColumn {
  return { raw, field: { name, ...typeRaw(raw), nullable } };
}

function typeRaw(raw: RawType): MappedType {
  if (raw === "uuid") return UUID;
  if (raw === "int96") return { dtype: "timestamp" };
  return { dtype: raw === "interval" ? "string" : raw };
}

/**
 * Decodes the raw columns of a batch.
 *
 * @throws {ValueError} with the row in the file for a value that its type cannot hold
 */
export function decodeRaw(
  batch: Batch,
  schema: Schema,
  raw: ReadonlyMap<number, RawColumn>,
  rowsBefore: number,
): Batch {
  if (raw.size === 0) return batch;
  const columns = batch.data.children.map((data, i) => {
    const column = raw.get(i);
    return column === undefined ? data : decodeColumn(data, column, rowsBefore);
  });
  return wrapBatch(schema, columns, batch.numRows);
}

function decodeColumn(data: Data, { raw, field }: RawColumn, rowsBefore: number): Data {
  const column = createColumn(field);
  const push = createPusher(data, raw, column);
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) {
      column.pushNull();
      continue;
    }
    const fault = push(row);
    if (fault === undefined) continue;
    const [expected, value] = fault;
    throw new ValueError(`expected ${expected}`, field.name, rowsBefore + row + 1, value);
  }
  return column.take();
}

/** Appends the value of a row; returns the expectation and the actual value when it cannot. */
type PushRaw = (row: number) => readonly [wanted: string, value: string] | undefined;

function createPusher(data: Data, raw: RawType, column: Column): PushRaw {
  if (isIntegerType(raw)) return narrowPusher(data.values, raw, column as NumberColumn);
  const bytes = data.values as Uint8Array;
  if (raw === "uuid") return uuidPusher(bytes, column as BytesColumn);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return raw === "int96"
    ? timestampPusher(view, column as BigColumn)
    : durationPusher(view, column as BytesColumn);
}

function uuidPusher(bytes: Uint8Array, texts: BytesColumn): PushRaw {
  const text = new Uint8Array(UUID_CHARACTERS);
  return (row) => {
    writeUUID(bytes, row * UUID_BYTES, text, 0);
    texts.pushBytes(text);
    return undefined;
  };
}

function narrowPusher(values: Int32Array, dtype: IntegerType, numbers: NumberColumn): PushRaw {
  const [low, high] = integerBounds(dtype);
  return (row) => {
    const value = values[row]!;
    if (value < low || value > high) return [`${dtype} (${low} to ${high})`, String(value)];
    numbers.push(value);
    return undefined;
  };
}

/** Decodes INT96: nanoseconds of the day, possibly outside it, then the Julian day. */
function timestampPusher(view: DataView, micros: BigColumn): PushRaw {
  return (row) => {
    const nanos = view.getBigInt64(row * WIDTH, true);
    const day = BigInt(view.getInt32(row * WIDTH + 8, true)) - EPOCH_DAY;
    const value = day * DAY_MICROS + nanos / 1000n;
    if (nanos % 1000n !== 0n) return ["whole microseconds", `${nanos} ns of the day`];
    if (value <= -CALENDAR || value >= CALENDAR) {
      return ["a date from the year -271821 to 275760", `day ${day} from 1970`];
    }
    micros.push(value);
    return undefined;
  };
}

/** Decodes INTERVAL: months, days and milliseconds, none of which converts to the others. */
function durationPusher(view: DataView, texts: BytesColumn): PushRaw {
  return (row) => {
    const parts = [0, 4, 8].map((i) => view.getUint32(row * WIDTH + i, true));
    const [months, days, millis] = parts as [
      number,
      number,
      number,
    ];
    const time = millis === 0 ? "" : `T${millis / 1000}S`;
    const date = `${months === 0 ? "" : `${months}M`}${days === 0 ? "" : `${days}D`}`;
    texts.pushString(date + time === "" ? "PT0S" : `P${date}${time}`);
    return undefined;
  };
}
