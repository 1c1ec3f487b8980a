/** The values of a row of the binary format as text, also of a row that columns cannot hold. */
import {
  type BigColumn,
  createColumn,
  type NumberColumn,
  valueReader,
} from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import { describeValue } from "../../../../core/values/js_values.ts";
import { formatValue } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import { readBits, readDay, readDecimal, readTime, readTimestamp } from "./binary_values.ts";
import type { DirectKind } from "./column_types.ts";
import { decode, type PacketBuffer } from "./packets.ts";

/** Bytes of the kinds whose values have no length before them. */
const SIZES: Readonly<Partial<Record<DirectKind, number>>> = {
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
  flag: 1,
};

/**
 * Reads the row that begins at `from`, by the names of its fields; NULL is null.
 *
 * @param kinds how the generated function reads the columns; undefined for those that come as text
 */
export function readRowText(
  fields: readonly Field[],
  kinds: readonly (DirectKind | undefined)[],
  { bytes, view }: PacketBuffer,
  from: number,
): Record<string, string | null> {
  const base = from + 1;
  // The bits of NULL begin at the third.
  let at = base + ((fields.length + 9) >> 3);
  return Object.fromEntries(fields.map((field, i) => {
    if ((bytes[base + ((i + 2) >> 3)]! & (1 << ((i + 2) & 7))) !== 0) return [field.name, null];
    const kind = kinds[i];
    let size = kind === undefined ? undefined : SIZES[kind];
    if (size === undefined) [size, at] = readLength(bytes, view, at);
    const start = at;
    at += size;
    return [field.name, readText(kind, field, bytes, view, start, size)];
  }));
}

/** A length of one, three, four or nine bytes, and where the value begins. */
function readLength(bytes: Uint8Array, view: DataView, at: number): [number, number] {
  const first = bytes[at]!;
  if (first < 251) return [first, at + 1];
  if (first === 252) return [view.getUint16(at + 1, true), at + 3];
  if (first === 253) return [view.getUint16(at + 1, true) | bytes[at + 3]! << 16, at + 4];
  return [view.getUint32(at + 1, true), at + 9];
}

function readText(
  kind: DirectKind | undefined,
  field: Field,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  size: number,
): string | null {
  const isUnsigned = field.dtype.startsWith("u");
  switch (kind) {
    case undefined:
      return decode(bytes.subarray(at, at + size));
    case "bytes": {
      const value = bytes.slice(at, at + size);
      return field.dtype === "binary" ? describeValue(value) : decode(value);
    }
    case "int8":
      return String(isUnsigned ? view.getUint8(at) : view.getInt8(at));
    case "int16":
      return String(isUnsigned ? view.getUint16(at, true) : view.getInt16(at, true));
    case "int32":
      return String(isUnsigned ? view.getUint32(at, true) : view.getInt32(at, true));
    case "int64":
      return String(isUnsigned ? view.getBigUint64(at, true) : view.getBigInt64(at, true));
    case "float32":
      return formatValue(view.getFloat32(at, true), "float32");
    case "float64":
      return formatValue(view.getFloat64(at, true), "float64");
    case "flag": {
      const number = view.getInt8(at);
      return number === 0 || number === 1 ? String(number === 1) : String(number);
    }
    case "bit":
      return String(bytes[at] !== 0);
    default:
      return readColumn(kind, field, bytes, view, at, size);
  }
}

/** Reads a value as the generated function does, into a column of its own. */
function readColumn(
  kind: "bits" | "date" | "time" | "timestamp" | "decimal",
  field: Field,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  size: number,
): string | null {
  const column = createColumn(field) as NumberColumn | BigColumn;
  column.open(1);
  const words = "words" in column ? column.words : new Int32Array();
  try {
    switch (kind) {
      case "bits":
        readBits(bytes, at, size, words, 0);
        break;
      case "date":
        (column as NumberColumn).values[0] = readDay(view, at, size, field);
        break;
      case "time":
        readTime(view, at, size, field, words, 0);
        break;
      case "timestamp":
        readTimestamp(view, at, size, field, words, 0);
        break;
      case "decimal":
        readDecimal(bytes, at, size, field, words, 0, (field.precision ?? 38) <= 38 ? 4 : 8);
    }
  } catch (error) {
    if (error instanceof ValueError) return describeValue(error.value);
    throw error;
  }
  column.close(1, 0);
  const value = valueReader(field, column.take())(0);
  return value === null ? null : formatValue(value, field.dtype);
}
