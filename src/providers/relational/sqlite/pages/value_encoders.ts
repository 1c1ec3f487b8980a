/** Columns → values as SQLite keeps them in a record, as it would for prepared inserts. */
import { isUtf8 } from "node:buffer";
import { isNull } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { classifyType } from "../../../../core/values/kinds.ts";
import type { Field } from "../../../../models/field.ts";
import { BLOB, type RecordBody, TEXT } from "./record_body.ts";
import {
  DAY_MICROS,
  hasFourDigitYear,
  putDay,
  putDecimal,
  putTime,
  putUTC,
  SHORT_SCALE,
} from "./text_values.ts";
import { findAffinity } from "../types/type_mapper.ts";
import { type Bound, boundReader, findMostExact, type Holder } from "../types/bind_value.ts";

type Data = Batch["data"]["children"][number];

/** Puts the value of a row, which is not NULL, and gives its serial type. */
export type PutValue = (row: number) => number;

/** A value that is neither text nor a blob takes at most this many bytes; a time, too. */
const SHORT = 40;

/** Whether {@linkcode valueEncoder} knows how a column keeps the values of a field. */
export function isDirect(field: Field, declared: string): boolean {
  const affinity = findAffinity(declared);
  switch (field.dtype) {
    case "uint64":
      return affinity === "text";
    case "float32":
    case "float64":
      return affinity === "real" || affinity === "none";
    case "decimal":
      return affinity === "text" || affinity === "numeric";
    case "string":
      return affinity === "text" || affinity === "none" ||
        (affinity === "numeric" && field.number === true);
    case "json":
    case "array":
    case "object":
      return affinity === "text" || affinity === "none";
    case "binary":
      return true;
    case "date":
    case "time":
    case "timestamp":
    case "timestamp_tz":
      return affinity !== "real";
    default:
      return affinity === "integer" || affinity === "numeric" || affinity === "none";
  }
}

/**
 * A function that puts the values of a column into a body; only for a direct field.
 *
 * @throws {ValueError} (the function) for a value that SQLite would change
 */
export function valueEncoder(field: Field, data: Data, holder: Holder, body: RecordBody): PutValue {
  const put = presentPutter(field, data, holder, body);
  const checked: PutValue = (row) => {
    body.reserve(SHORT);
    return put(row);
  };
  return data.nullCount === 0 ? checked : (row) => isNull(data, row) ? 0 : checked(row);
}

function presentPutter(field: Field, data: Data, holder: Holder, body: RecordBody): PutValue {
  const { values } = data;
  const read = boundReader(field, data, holder);
  const other: PutValue = (row) => bound(read(row), body);
  switch (classifyType(field.dtype)) {
    case "integer":
      return (row) => body.number(values[row]);
    case "long": {
      if (field.dtype === "uint64") return other;
      const words = viewWords(values);
      return (row) => body.integer(words[row * 2]!, words[row * 2 + 1]!);
    }
    case "float":
      return (row) => {
        const value = values[row] as number;
        return Number.isNaN(value) || Object.is(value, -0) ? other(row) : body.double(value);
      };
    case "decimal": {
      const words = viewWords(values);
      const width = words.length / data.length;
      const { scale = 0 } = field;
      const asText = findAffinity(holder.declared) === "text";
      const mostAsText = scale < SHORT_SCALE ? Number.MAX_SAFE_INTEGER : -1;
      const most = asText ? mostAsText : findMostExact(scale);
      const factor = 10 ** scale;
      return (row) => {
        const at = row * width;
        const unscaled = words[at + 1]! * 4_294_967_296 + (words[at]! >>> 0);
        const high = words[at + 1]! >> 31;
        for (let i = 2; i < width; i++) if (words[at + i] !== high) return other(row);
        if (Math.abs(unscaled) > most) return other(row);
        if (asText) return putDecimal(body, unscaled, scale);
        // Two numbers of so few digits never round to the same double, so that a whole quotient is exact.
        const number = unscaled / factor;
        return Number.isInteger(number) ? body.number(number) : body.double(number);
      };
    }
    case "date":
      return (row) => hasFourDigitYear(values[row]) ? putDay(body, values[row]) : other(row);
    case "timestamp": {
      const words = viewWords(values);
      const zone = field.dtype === "timestamp_tz";
      return (row) => {
        const micros = words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0);
        const day = Math.floor(micros / DAY_MICROS);
        if (!Number.isSafeInteger(micros) || !hasFourDigitYear(day)) return other(row);
        const start = body.end;
        putDay(body, day);
        body.bytes[body.end++] = 0x20;
        putTime(body, micros - day * DAY_MICROS);
        if (zone) putUTC(body);
        return TEXT + (body.end - start) * 2;
      };
    }
    case "time":
      return (row) => {
        const start = body.end;
        putTime(body, Number(values[row]));
        return TEXT + (body.end - start) * 2;
      };
    case "binary": {
      const offsets = data.valueOffsets as Int32Array;
      return (row) => body.copy(values, offsets[row]!, offsets[row + 1]!, BLOB);
    }
    case "string":
    case "json": {
      if (field.number === true && findAffinity(holder.declared) === "numeric") return other;
      const offsets = data.valueOffsets as Int32Array;
      if (!areTexts(values, offsets, data.length)) return other;
      return (row) => body.copy(values, offsets[row]!, offsets[row + 1]!, TEXT);
    }
    default:
      return other;
  }
}

/** A value as it is bound, for a column that changes none. */
function bound(value: Bound, body: RecordBody): number {
  if (value === null) return 0;
  if (typeof value === "string") return body.text(value);
  if (typeof value === "bigint") {
    return body.integer(Number(BigInt.asIntN(32, value)), Number(value >> 32n));
  }
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? body.number(value) : body.double(value);
  }
  return body.copy(value, 0, value.length, BLOB);
}

/** Words of 32 bits, lowest first. */
function viewWords(values: BigInt64Array | Uint32Array): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.byteLength >> 2);
}

/** Whether all values are UTF-8: together, and none begins in the middle of a character. */
function areTexts(values: Uint8Array, offsets: Int32Array, rows: number): boolean {
  for (let row = 0; row < rows; row++) {
    const start = offsets[row]!;
    if (start < offsets[row + 1]! && (values[start]! & 0xc0) === 0x80) return false;
  }
  return isUtf8(values.subarray(offsets[0]!, offsets[rows]!));
}
