/** Parser loops, one for each type: each fills a column with the values of many records. */
import {
  type BigColumn,
  type BoolColumn,
  type BytesColumn,
  decimalBits,
  type NumberColumn,
} from "../../arrow/mod.ts";
import { integerBounds } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { MINUS, POINT, ZERO } from "../../core/values/ascii.ts";
import { classifyType } from "../../core/values/kinds.ts";
import type { ColumnFiller, Slice } from "./text_to_columns.ts";
import { NO_DAY, parseISODate, parseISOTime, parseISOTimestamp } from "./iso.ts";
import { parseShortDouble, POWERS_OF_TEN, SHORT_DIGITS } from "./fast_numbers.ts";

/** Parses the values of `rows` records; passes unknown forms to `filler.putOther`. */
export type ColumnParser = (filler: ColumnFiller, slice: Slice, rows: number) => void;

const NO_BYTE = -1;
const WORD = 0x1_0000_0000;
/** Bytes to copy at once; the copy may run over the end of a text. */
const STEP = 8;
/** Size above which a call of `set` is faster than a loop. */
const LONG = 96;

/**
 * Returns the parser of a field's type.
 *
 * @param guessed whether the type was guessed: then texts that could not have led to the guess go
 * to `filler.putOther`
 */
export function selectParser(field: Field, guessed: boolean): ColumnParser {
  // A guessed number has no leading zero. For declared types, NO_BYTE matches no byte.
  const zero = guessed ? ZERO : NO_BYTE;
  switch (classifyType(field.dtype)) {
    case "integer": {
      const [low, high] = integerBounds(field.dtype);
      return (filler, slice, rows) => putIntegers(filler, slice, rows, low, high, zero);
    }
    case "long":
      return (filler, slice, rows) => putLongs(filler, slice, rows, field.dtype === "int64", zero);
    case "float":
      return field.dtype === "float32"
        ? putOthers
        : (filler, slice, rows) => putDoubles(filler, slice, rows, zero);
    case "decimal":
      return (filler, slice, rows) => putDecimals(filler, slice, rows, field, zero);
    case "bool":
      return (filler, slice, rows) => putBools(filler, slice, rows, guessed);
    case "date":
      return putDates;
    case "time":
      return putTimes;
    case "timestamp":
      return (filler, slice, rows) =>
        putTimestamps(filler, slice, rows, field.dtype === "timestamp_tz");
    default:
      return putOthers;
  }
}

/** Leaves every value to the general parser. */
export function putOthers(filler: ColumnFiller, slice: Slice, rows: number): void {
  for (let row = 0; row < rows; row++) filler.putOther(slice, row);
}

export function putTexts(filler: ColumnFiller, slice: Slice, rows: number): void {
  const { base, nullSize } = filler;
  const column = filler.column as BytesColumn;
  const { offsets } = column;
  const { bytes, spans, stride } = slice;
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let { bytes: out, end } = column;
  let target = new DataView(out.buffer, out.byteOffset, out.byteLength);
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const to = spans[at + 1]!;
    const size = (to < 0 ? ~to : to) - from;
    if ((size === nullSize || size <= 0) && filler.isNull(slice, row)) {
      filler.putNull(row);
      continue;
    }
    if (end + size + STEP > out.length) {
      out = column.extend(end, size + STEP);
      target = new DataView(out.buffer, out.byteOffset, out.byteLength);
    }
    if (to < 0) {
      end = filler.write(slice, row, out, end);
    } else if (size > LONG) {
      out.set(bytes.subarray(from, to), end);
      end += size;
    } else {
      for (let i = 0; i < size; i += STEP) {
        target.setBigInt64(end + i, source.getBigInt64(from + i, true), true);
      }
      end += size;
    }
    offsets[base + row + 1] = end;
  }
}

function putIntegers(
  filler: ColumnFiller,
  slice: Slice,
  rows: number,
  low: number,
  high: number,
  zero: number,
): void {
  const { base } = filler;
  const { values } = filler.column as NumberColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const to = spans[at + 1]!;
    const first = bytes[from] === MINUS ? from + 1 : from;
    let value = -1;
    // Nine digits always fit 31 bits.
    if (to > first && to - first <= 9) {
      value = 0;
      for (let digit = first; digit < to; digit++) {
        const number = bytes[digit]! - 0x30;
        if (number >>> 0 > 9) {
          value = -1;
          break;
        }
        value = (Math.imul(value, 10) + number) | 0;
      }
    }
    const signed = first === from ? value : -value;
    const padded = bytes[first] === zero && to - from > 1;
    if (value < 0 || padded || signed < low || signed > high) filler.putOther(slice, row);
    else values[base + row] = signed;
  }
}

function putLongs(
  filler: ColumnFiller,
  slice: Slice,
  rows: number,
  isSigned: boolean,
  zero: number,
): void {
  const { base } = filler;
  const { words } = filler.column as BigColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const to = spans[at + 1]!;
    const first = bytes[from] === MINUS ? from + 1 : from;
    const middle = to - 9 > first ? to - 9 : first;
    const high = parseDigits(bytes, first, middle);
    const low = parseDigits(bytes, middle, to);
    const negative = first !== from;
    const padded = bytes[first] === zero && to - from > 1;
    if (high < 0 || low < 0 || to <= first || padded || (negative && !isSigned)) {
      filler.putOther(slice, row);
      continue;
    }
    const word = (base + row) * 2;
    if (high === 0) {
      words[word] = negative ? -low : low;
      words[word + 1] = negative && low !== 0 ? -1 : 0;
    } else {
      putProduct(words, word, high, low, negative);
    }
  }
}

/** Parses at most nine digits; returns 0 for none and a negative number for any other text. */
function parseDigits(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 9) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit >>> 0 > 9) return -1;
    value = (Math.imul(value, 10) + digit) | 0;
  }
  return value;
}

/** Writes ±(high × 10⁹ + low), both below 10⁹, as two words, by steps within safe integers. */
function putProduct(
  words: Int32Array,
  at: number,
  high: number,
  low: number,
  negative: boolean,
): void {
  const upper = (high >>> 16) * 1e9; // times 2¹⁶
  const carry = Math.floor(upper / 0x10000);
  const rest = (upper - carry * 0x10000) * 0x10000 + (high & 0xffff) * 1e9 + low;
  const first = rest | 0;
  const second = (carry + Math.floor(rest / WORD)) | 0;
  words[at] = negative ? -first : first;
  words[at + 1] = !negative ? second : first === 0 ? -second : ~second;
}

/** Writes a safe integer as two words. */
function putSafe(words: Int32Array, at: number, value: number): void {
  words[at] = value | 0;
  words[at + 1] = Math.floor(value / WORD);
}

function putDoubles(filler: ColumnFiller, slice: Slice, rows: number, zero: number): void {
  const { base } = filler;
  const { values } = filler.column as NumberColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const to = spans[at + 1]!;
    const value = parseShortDouble(bytes, from, to);
    if (value === undefined || isPadded(bytes, from, to, zero)) filler.putOther(slice, row);
    else values[base + row] = value;
  }
}

/** Whether a number has a superfluous leading zero, or is a negative zero without a point. */
function isPadded(bytes: Uint8Array, from: number, to: number, zero: number): boolean {
  const first = bytes[from] === MINUS ? from + 1 : from;
  return bytes[first] === zero && to - from > 1 && bytes[first + 1] !== POINT;
}

function putDecimals(
  filler: ColumnFiller,
  slice: Slice,
  rows: number,
  { precision = 38, scale = 0 }: Field,
  zero: number,
): void {
  const { base } = filler;
  const { words } = filler.column as BigColumn;
  const width = decimalBits(precision) / 32;
  const { bytes, spans, stride } = slice;
  const limit = Math.min(10 ** Math.min(precision, SHORT_DIGITS + 1), Number.MAX_SAFE_INTEGER);
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const to = spans[at + 1]!;
    const first = bytes[from] === MINUS ? from + 1 : from;
    let value = -1;
    let point = to;
    if (to > first && to - first <= SHORT_DIGITS + 1 && bytes[first] !== POINT) {
      value = 0;
      for (let digit = first; digit < to; digit++) {
        const number = bytes[digit]! - 0x30;
        if (number >>> 0 <= 9) {
          value = value * 10 + number;
        } else if (number === POINT - 0x30 && point === to && digit + 1 < to) {
          point = digit;
        } else {
          value = -1;
          break;
        }
      }
    }
    const missing = point === to ? scale : scale - (to - 1 - point);
    const unscaled = missing < 0 || missing > SHORT_DIGITS ? -1 : value * POWERS_OF_TEN[missing]!;
    // A guessed decimal is never a negative zero.
    const isNegativeZero = unscaled === 0 && first !== from && zero !== NO_BYTE;
    if (
      unscaled < 0 || unscaled >= limit || isNegativeZero || isPadded(bytes, from, to, zero)
    ) {
      filler.putOther(slice, row);
      continue;
    }
    const signed = first === from ? unscaled : -unscaled;
    const word = (base + row) * width;
    putSafe(words, word, signed);
    const sign = signed < 0 ? -1 : 0;
    words[word + 2] = words[word + 3] = sign;
    if (width === 8) {
      words[word + 4] =
        words[word + 5] =
        words[word + 6] =
        words[word + 7] =
          sign;
    }
  }
}

const LETTER_F = 0x66;
const LETTER_T = 0x74;

/** Parses `true` and `false`, and for declared types also `t`, `1`, `f` and `0`. */
function putBools(filler: ColumnFiller, slice: Slice, rows: number, guessed: boolean): void {
  const { base } = filler;
  const { values } = filler.column as BoolColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const size = spans[at + 1]! - from;
    const value = size === 1 && guessed ? -1 : parseBool(bytes, from, size);
    const bit = base + row;
    if (value === 1) values[bit >> 3]! |= 1 << (bit & 7);
    else if (value < 0) filler.putOther(slice, row);
  }
}

/** Returns 1, 0, or a negative number for another text. */
function parseBool(bytes: Uint8Array, at: number, size: number): number {
  const first = bytes[at]!;
  if (size === 1) {
    if (first === LETTER_T || first === 0x31) return 1;
    return first === LETTER_F || first === 0x30 ? 0 : -1;
  }
  if (size === 4) {
    return first === LETTER_T && bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 &&
        bytes[at + 3] === 0x65
      ? 1
      : -1;
  }
  return size === 5 && first === LETTER_F && bytes[at + 1] === 0x61 && bytes[at + 2] === 0x6c &&
      bytes[at + 3] === 0x73 && bytes[at + 4] === 0x65
    ? 0
    : -1;
}

function putDates(filler: ColumnFiller, slice: Slice, rows: number): void {
  const { base } = filler;
  const { values } = filler.column as NumberColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const day = parseISODate(bytes, spans[at]!, spans[at + 1]!);
    if (day === NO_DAY) filler.putOther(slice, row);
    else values[base + row] = day;
  }
}

function putTimes(filler: ColumnFiller, slice: Slice, rows: number): void {
  const { base } = filler;
  const { words } = filler.column as BigColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const micros = parseISOTime(bytes, spans[at]!, spans[at + 1]!);
    if (Number.isNaN(micros)) filler.putOther(slice, row);
    else putSafe(words, (base + row) * 2, micros);
  }
}

function putTimestamps(filler: ColumnFiller, slice: Slice, rows: number, zone: boolean): void {
  const { base } = filler;
  const { words } = filler.column as BigColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const micros = parseISOTimestamp(bytes, spans[at]!, spans[at + 1]!, zone);
    if (Number.isNaN(micros)) filler.putOther(slice, row);
    else putSafe(words, (base + row) * 2, micros);
  }
}
