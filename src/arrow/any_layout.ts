/** Reads values of Arrow columns in any layout, such as those of files that dxt did not write. */
import {
  type Data,
  DataType,
  DateUnit,
  type Decimal,
  Precision,
  TimeUnit,
  Vector,
} from "apache-arrow";
import { SchemaError, ValueError } from "../core/errors.ts";
import { float32Text } from "../core/values/number_text.ts";
import { JSONText, type Value } from "../core/values/values.ts";
import {
  decimalReader,
  isNull,
  makeInRange,
  type ReadValue,
  toPlainDateTime,
  toPlainTime,
  valueReader,
} from "./reader.ts";
import type { Field } from "../models/field.ts";
import { decimalBounds, outOfBoundsError } from "./value_bounds.ts";

/** Microseconds per unit; for nanoseconds, units per microsecond. */
const MICROS: Readonly<Record<TimeUnit, bigint>> = {
  [TimeUnit.SECOND]: 1_000_000n,
  [TimeUnit.MILLISECOND]: 1000n,
  [TimeUnit.MICROSECOND]: 1n,
  [TimeUnit.NANOSECOND]: 1000n,
};

/**
 * Returns a reader of a column's values; nested values become JSON text. The caller checks for
 * NULL.
 *
 * @throws {SchemaError} for a type that no value can hold; the reader throws a
 * {@linkcode ValueError} for nanoseconds that are no whole microseconds
 */
export function anyLayoutReader(data: Data, name: string): ReadValue {
  const { type, values } = data;
  const plain = (field: Omit<Field, "name" | "nullable">) =>
    valueReader({ name, nullable: false, ...field }, data);
  if (DataType.isDictionary(type)) return dictionaryReader(data, name);
  if (DataType.isDecimal(type)) return scaledReader(data, type.scale, name);
  if (DataType.isBool(type)) return plain({ dtype: "bool" });
  if (DataType.isFloat(type) && type.precision === 0) {
    const column = new Vector([data]);
    return (row) => column.get(row) as number;
  }
  if (DataType.isInt(type) || DataType.isFloat(type)) return (row) => values[row];
  if (DataType.isUtf8(type)) return plain({ dtype: "string" });
  if (DataType.isBinary(type)) return plain({ dtype: "binary" });
  if (DataType.isDate(type)) {
    if (type.unit === DateUnit.DAY) return requireFinite(data, name, plain({ dtype: "date" }));
    const field = { name, dtype: "timestamp", nullable: false } as const;
    return (row) =>
      makeInRange(field, row, values[row], () => toPlainDateTime(BigInt(values[row]) * 1000n));
  }
  if (DataType.isTime(type)) {
    const field = { name, dtype: "time", nullable: false } as const;
    return (row) =>
      makeInRange(
        field,
        row,
        values[row],
        () => toPlainTime(micros(values[row], type.unit, name, row)),
      );
  }
  if (DataType.isTimestamp(type)) {
    const isLocal = (type.timezone ?? null) === null;
    const field = { name, dtype: isLocal ? "timestamp" : "timestamp_tz", nullable: false } as const;
    return (row) =>
      makeInRange(field, row, values[row], () => {
        const amount = micros(values[row], type.unit, name, row);
        return isLocal ? toPlainDateTime(amount) : new Temporal.Instant(amount * 1000n);
      });
  }
  if (DataType.isNull(type)) return () => null;
  return nestedReader(data, name);
}

function micros(value: number | bigint, unit: TimeUnit, name: string, row: number): bigint {
  const amount = BigInt(value);
  if (unit !== TimeUnit.NANOSECOND) return amount * MICROS[unit];
  if (amount % 1000n === 0n) return amount / 1000n;
  throw new ValueError("expected whole microseconds", name, row + 1, `${amount} ns`);
}

function dictionaryReader(data: Data, name: string): ReadValue {
  const words = data.dictionary!.data;
  const readers = words.map((part) => anyLayoutReader(part, name));
  return (row) => {
    let index = Number(data.values[row]);
    let part = 0;
    // Later batches may add words as further parts of the dictionary.
    while (index >= words[part]!.length) index -= words[part++]!.length;
    return isNull(words[part]!, index) ? null : readers[part]!(index);
  };
}

/** Refuses the numbers for infinity, which only dxt's own files use in that meaning. */
function requireFinite(data: Data, name: string, read: ReadValue): ReadValue {
  return (row) => {
    const value = read(row);
    if (typeof value === "string") throw outOfBoundsError(data, name, row);
    return value;
  };
}

/** Reads decimals; a negative scale appends zeros. */
function scaledReader(data: Data, scale: number, name: string): ReadValue {
  const isWithin = decimalBounds(data as Data<Decimal>);
  const digits = decimalReader(data, Math.max(0, scale));
  const read = (row: number) => {
    if (isWithin(row)) return digits(row);
    throw outOfBoundsError(data, name, row);
  };
  const zeros = "0".repeat(Math.max(0, -scale));
  return zeros === "" ? read : (row) => {
    const text = read(row);
    return text === "0" ? text : `${text}${zeros}`;
  };
}

function nestedReader(data: Data, name: string): ReadValue {
  const { type } = data;
  const column = new Vector([data]);
  if (
    DataType.isLargeUtf8(type) || DataType.isUtf8View(type) || DataType.isLargeBinary(type) ||
    DataType.isBinaryView(type) || DataType.isFixedSizeBinary(type)
  ) return (row) => column.get(row) as string | Uint8Array;
  if (
    DataType.isList(type) || DataType.isFixedSizeList(type) || DataType.isLargeList(type) ||
    DataType.isStruct(type) || DataType.isMap(type)
  ) {
    const read = nestedText(data, name);
    return (row) => new JSONText(read(row));
  }
  throw new SchemaError(`Cannot read column "${name}": no type holds ${type} without loss`);
}

/** Returns a reader of a nested value as JSON text, its numbers with all digits. */
function nestedText(data: Data, name: string): (row: number) => string {
  const { type } = data;
  const child = (i: number) => nullableText(data.children[i]!, name);
  if (DataType.isList(type) || DataType.isLargeList(type)) {
    const [read, offsets] = [child(0), data.valueOffsets as ArrayLike<number | bigint>];
    return (row) => listText(read, Number(offsets[row]), Number(offsets[row + 1]));
  }
  if (DataType.isFixedSizeList(type)) {
    const read = child(0);
    // Rows count from the slice's start: Arrow slices the children along with the column.
    return (row) => listText(read, row * type.listSize, (row + 1) * type.listSize);
  }
  if (DataType.isMap(type)) {
    const entries = data.children[0]!;
    const [key, value] = [
      nullableText(entries.children[0]!, name),
      nullableText(entries.children[1]!, name),
    ];
    const offsets = data.valueOffsets as Int32Array;
    return (row) => {
      const parts: string[] = [];
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
        const text = key(i);
        parts.push(`${text.startsWith('"') ? text : JSON.stringify(text)}:${value(i)}`);
      }
      return `{${parts.join(",")}}`;
    };
  }
  if (DataType.isStruct(type)) {
    const parts = type.children.map(({ name }, i) => [JSON.stringify(name), child(i)] as const);
    return (row) => `{${parts.map(([key, read]) => `${key}:${read(row)}`).join(",")}}`;
  }
  const read = anyLayoutReader(data, name);
  // The digits of a decimal are a JSON number already.
  if (DataType.isDecimal(type)) return (row) => String(read(row));
  if (DataType.isFloat(type) && type.precision === Precision.SINGLE) {
    return (row) => floatText(read(row) as number, float32Text);
  }
  return (row) => scalarText(read(row));
}

function listText(read: (row: number) => string, from: number, to: number): string {
  const parts: string[] = [];
  for (let i = from; i < to; i++) parts.push(read(i));
  return `[${parts.join(",")}]`;
}

function nullableText(data: Data, name: string): (row: number) => string {
  const read = nestedText(data, name);
  return (row) => isNull(data, row) ? "null" : read(row);
}

function scalarText(value: Value): string {
  if (value === null) return "null";
  if (value instanceof JSONText) return value.text;
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number") return floatText(value, String);
  if (value instanceof Uint8Array) return JSON.stringify(value.toHex());
  if (typeof value === "string") return JSON.stringify(value);
  return JSON.stringify(value.toString());
}

function floatText(value: number, format: (value: number) => string): string {
  if (!Number.isFinite(value)) return JSON.stringify(String(value));
  return Object.is(value, -0) ? "-0.0" : format(value);
}
