/**
 * Columns → values as SQLite keeps them in a record, byte for byte as prepared inserts would.
 * https://www.sqlite.org/fileformat2.html#record_format
 */
import { isUtf8 } from "node:buffer";
import { dateText, isNull } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/batch.ts";
import type { Field } from "../../../models/field.ts";
import { affinityOf, EXACT_DIGITS } from "./type_mapper.ts";
import { type Bound, boundReader, type Holder } from "./writing.ts";

type Data = Batch["data"]["children"][number];

/** Puts the value of a row, which is not NULL, and gives its serial type. */
export type PutValue = (row: number) => number;

const BLOB = 12;
const TEXT = 13;
const DOUBLE = 7;
const START = 4096;
const utf8 = new TextEncoder();

/** The values of one record, one behind the other. */
export class Body {
  bytes = new Uint8Array(START);
  view = new DataView(this.bytes.buffer);
  end = 0;

  /** Makes room for more bytes. */
  reserve(size: number): void {
    if (this.end + size <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.end + size));
    grown.set(this.bytes.subarray(0, this.end));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** An integer of 64 bits in two words of 32, in as few bytes as it takes. */
  integer(low: number, high: number): number {
    const { view, end } = this;
    if (high === low >> 31) {
      if (low === 0) return 8;
      if (low === 1) return 9;
      if (low >= -128 && low < 128) {
        view.setInt8(end, low);
        this.end += 1;
        return 1;
      }
      if (low >= -32_768 && low < 32_768) {
        view.setInt16(end, low);
        this.end += 2;
        return 2;
      }
      if (low >= -8_388_608 && low < 8_388_608) {
        view.setInt8(end, low >> 16);
        view.setUint16(end + 1, low & 0xffff);
        this.end += 3;
        return 3;
      }
      view.setInt32(end, low);
      this.end += 4;
      return 4;
    }
    if (high >= -32_768 && high < 32_768) {
      view.setInt16(end, high);
      view.setInt32(end + 2, low);
      this.end += 6;
      return 5;
    }
    view.setInt32(end, high);
    view.setInt32(end + 4, low);
    this.end += 8;
    return 6;
  }

  /** A safe integer. */
  number(value: number): number {
    return this.integer(value | 0, Math.floor(value / 4_294_967_296) | 0);
  }

  double(value: number): number {
    this.view.setFloat64(this.end, value);
    this.end += 8;
    return DOUBLE;
  }

  text(text: string): number {
    this.reserve(text.length * 3);
    const { written } = utf8.encodeInto(text, this.bytes.subarray(this.end));
    this.end += written;
    return TEXT + written * 2;
  }

  /** Bytes as text or blob. */
  copy(source: Uint8Array, from: number, to: number, type: typeof BLOB | typeof TEXT): number {
    const size = to - from;
    this.reserve(size);
    const { bytes, end } = this;
    if (size > LONG) bytes.set(source.subarray(from, to), end);
    else for (let i = 0; i < size; i++) bytes[end + i] = source[from + i]!;
    this.end += size;
    return type + size * 2;
  }
}

/** Bytes from which one call of set costs less than a loop. */
const LONG = 64;
/** A value that is neither text nor a blob takes at most this many bytes; a time, too. */
const SHORT = 40;

/** Whether {@linkcode putter} knows how a column keeps the values of a field. */
export function isDirect(field: Field, declared: string): boolean {
  const affinity = affinityOf(declared);
  switch (field.dtype) {
    case "uint64":
      return affinity === "text";
    case "float32":
    case "float64":
      return affinity === "real" || affinity === "none";
    case "decimal":
      return affinity === "text" ||
        (affinity === "numeric" && (field.precision ?? 38) <= EXACT_DIGITS);
    case "string":
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
export function putter(field: Field, data: Data, holder: Holder, body: Body): PutValue {
  const put = presentPutter(field, data, holder, body);
  const checked: PutValue = (row) => {
    body.reserve(SHORT);
    return put(row);
  };
  return data.nullCount === 0 ? checked : (row) => isNull(data, row) ? 0 : checked(row);
}

function presentPutter(field: Field, data: Data, holder: Holder, body: Body): PutValue {
  const { values } = data;
  const read = boundReader(field, data, holder);
  const other: PutValue = (row) => bound(read(row), body);
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      return (row) => body.number(values[row]);
    case "int64": {
      const words = wordsOf(values);
      return (row) => body.integer(words[row * 2]!, words[row * 2 + 1]!);
    }
    case "float32":
    case "float64":
      return (row) => {
        const value = values[row] as number;
        return Number.isNaN(value) || Object.is(value, -0) ? other(row) : body.double(value);
      };
    case "decimal": {
      const words = wordsOf(values);
      const width = words.length / data.length;
      const { scale = 0 } = field;
      const factor = 10 ** scale;
      if (affinityOf(holder.declared) === "text") {
        return (row) => {
          const at = row * width;
          const unscaled = words[at + 1]! * 4_294_967_296 + (words[at]! >>> 0);
          const high = words[at + 1]! >> 31;
          for (let i = 2; i < width; i++) if (words[at + i] !== high) return other(row);
          return Number.isSafeInteger(unscaled) && scale < SHORT_SCALE
            ? putDecimal(body, unscaled, scale)
            : other(row);
        };
      }
      return (row) => {
        const at = row * width;
        const unscaled = words[at + 1]! * 4_294_967_296 + (words[at]! >>> 0);
        return unscaled % factor === 0
          ? body.number(unscaled / factor)
          : body.double(unscaled / factor);
      };
    }
    case "date": {
      const text = new DayText();
      return (row) => isShort(values[row]) ? text.put(body, values[row]) : other(row);
    }
    case "timestamp":
    case "timestamp_tz": {
      const words = wordsOf(values);
      const zone = field.dtype === "timestamp_tz";
      const text = new DayText();
      return (row) => {
        const micros = words[row * 2 + 1]! * 4_294_967_296 + (words[row * 2]! >>> 0);
        const day = Math.floor(micros / DAY_MICROS);
        if (!Number.isSafeInteger(micros) || !isShort(day)) return other(row);
        const start = body.end;
        text.put(body, day);
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
    case "json":
    case "array":
    case "object": {
      const offsets = data.valueOffsets as Int32Array;
      if (!areTexts(values, offsets, data.length)) return other;
      return (row) => body.copy(values, offsets[row]!, offsets[row + 1]!, TEXT);
    }
    default:
      return other;
  }
}

/** A value as it is bound, for a column that changes none. */
function bound(value: Bound, body: Body): number {
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
function wordsOf(values: BigInt64Array | Uint32Array): Int32Array {
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

/** A decimal of a smaller scale takes at most so many bytes as a time. */
const SHORT_SCALE = 20;

/** Puts the digits of a safe integer, with a point before the last `scale` ones. */
function putDecimal(body: Body, unscaled: number, scale: number): number {
  let rest = Math.abs(unscaled);
  let digits = 1;
  for (let limit = 10; rest >= limit; limit *= 10) digits++;
  const { bytes, end } = body;
  const negative = unscaled < 0 ? 1 : 0;
  const size = negative + Math.max(digits, scale + 1) + (scale > 0 ? 1 : 0);
  if (negative) bytes[end] = 0x2d;
  const point = scale > 0 ? end + size - 1 - scale : -1;
  for (let at = end + size - 1; at >= end + negative; at--) {
    if (at === point) {
      bytes[at] = 0x2e;
      continue;
    }
    const tenth = Math.floor(rest / 10);
    bytes[at] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  body.end += size;
  return TEXT + size * 2;
}

const DAY_MICROS = 86_400_000_000;
/** 1000-01-01 and 9999-12-31: days between them have four digits for the year. */
const [FIRST_SHORT, LAST_SHORT] = [-354_285, 2_932_896];

function isShort(day: number): boolean {
  return day >= FIRST_SHORT && day <= LAST_SHORT;
}

/** Puts YYYY-MM-DD; keeps the last one, as days come in runs. */
class DayText {
  #day = NaN;
  readonly #text = new Uint8Array(10);

  put(body: Body, day: number): number {
    if (this.#day !== day) {
      utf8.encodeInto(dateText(day), this.#text);
      this.#day = day;
    }
    const { bytes, end } = body;
    for (let i = 0; i < 10; i++) bytes[end + i] = this.#text[i]!;
    body.end += 10;
    return TEXT + 20;
  }
}

/** Puts HH:MM:SS and a fraction without closing zeros. */
function putTime(body: Body, micros: number): void {
  const seconds = Math.floor(micros / 1_000_000);
  putPair(body, (seconds / 3600) | 0, 0x3a);
  putPair(body, ((seconds / 60) | 0) % 60, 0x3a);
  putPair(body, seconds % 60, 0x2e);
  let rest = micros - seconds * 1_000_000;
  if (rest === 0) {
    body.end--;
    return;
  }
  let digits = 6;
  for (; rest % 10 === 0; rest /= 10) digits--;
  const { bytes, end } = body;
  for (let at = end + digits - 1; at >= end; at--, rest = (rest / 10) | 0) {
    bytes[at] = 0x30 + (rest % 10);
  }
  body.end += digits;
}

function putPair(body: Body, value: number, mark: number): void {
  const { bytes, end } = body;
  bytes[end] = 0x30 + ((value / 10) | 0);
  bytes[end + 1] = 0x30 + (value % 10);
  bytes[end + 2] = mark;
  body.end += 3;
}

const UTC = utf8.encode("+00:00");

function putUTC(body: Body): void {
  for (let i = 0; i < UTC.length; i++) body.bytes[body.end + i] = UTC[i]!;
  body.end += UTC.length;
}

/** Bytes of a number of at most 53 bits as SQLite's varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Puts a number of at most 53 bits; returns where it ends. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  const end = at + varintSize(value);
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    bytes[i] = (rest % 128) | (i === end - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 128);
  }
  return end;
}
