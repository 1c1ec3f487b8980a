/** The loops of `text_to_columns.ts`: each puts one column's values of many records. */
import {
  type BigColumn,
  type BoolColumn,
  type BytesColumn,
  decimalBits,
  type NumberColumn,
} from "../../arrow/mod.ts";
import { INTEGER_BOUNDS } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { MINUS } from "./ascii.ts";
import type { ColumnFiller, Slice } from "./text_to_columns.ts";
import { isoDate, isoTime, isoTimestamp, NO_DAY } from "./iso.ts";
import { POWERS_OF_TEN, SHORT, shortDouble } from "./fast_numbers.ts";

/** Puts the values of so many records; what it does not know it gives to the filler's `other`. */
export type ColumnParser = (filler: ColumnFiller, slice: Slice, rows: number) => void;

const POINT = 0x2e;
const ZERO = 0x30;
const NO_BYTE = -1;
const WORD = 0x1_0000_0000;
/** Bytes that are copied at a time, those behind a text too. */
const STEP = 8;
/** Beyond so many bytes a call of the runtime's own copy is faster. */
const LONG = 96;

/**
 * The loop of a field's type.
 *
 * @param guessed whether it gives texts that would not make dxt guess the type to the filler's `other`
 */
export function parserFor(field: Field, guessed: boolean): ColumnParser {
  // A zero in front makes a text no number for a guess; no byte is NO_BYTE.
  const zero = guessed ? ZERO : NO_BYTE;
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const [low, high] = INTEGER_BOUNDS[field.dtype].map(Number) as [number, number];
      return (filler, slice, rows) => putIntegers(filler, slice, rows, low, high, zero);
    }
    case "int64":
      return (filler, slice, rows) => putLongs(filler, slice, rows, true, zero);
    case "uint64":
      return (filler, slice, rows) => putLongs(filler, slice, rows, false, zero);
    case "float64":
      return (filler, slice, rows) => putDoubles(filler, slice, rows, zero);
    case "decimal":
      return (filler, slice, rows) => putDecimals(filler, slice, rows, field, zero);
    case "bool":
      return (filler, slice, rows) => putBools(filler, slice, rows, guessed);
    case "date":
      return putDates;
    case "time":
      return putTimes;
    case "timestamp":
    case "timestamp_tz":
      return (filler, slice, rows) =>
        putTimestamps(filler, slice, rows, field.dtype === "timestamp_tz");
    default:
      return putOthers;
  }
}

/** Every value the general way. */
export function putOthers(filler: ColumnFiller, slice: Slice, rows: number): void {
  for (let row = 0; row < rows; row++) filler.other(slice, row);
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
    // Nine digits are always within 31 bits.
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
    if (value < 0 || padded || signed < low || signed > high) filler.other(slice, row);
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
    const high = wholeNumber(bytes, first, middle);
    const low = wholeNumber(bytes, middle, to);
    const negative = first !== from;
    const padded = bytes[first] === zero && to - from > 1;
    if (high < 0 || low < 0 || to <= first || padded || (negative && !isSigned)) {
      filler.other(slice, row);
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

/** The number of at most nine digits; negative for any other text, 0 for none. */
function wholeNumber(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 9) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit >>> 0 > 9) return -1;
    value = (Math.imul(value, 10) + digit) | 0;
  }
  return value;
}

/** Puts ±(high × 10⁹ + low), both below 10⁹, as two words; no step leaves the safe integers. */
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

/** Puts a safe integer as two words. */
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
    const value = shortDouble(bytes, from, to);
    if (value === undefined || isPadded(bytes, from, to, zero)) filler.other(slice, row);
    else values[base + row] = value;
  }
}

/** Whether a number has a needless zero in front, or is a minus and zeros without a point. */
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
  const limit = Math.min(10 ** Math.min(precision, SHORT + 1), Number.MAX_SAFE_INTEGER);
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const to = spans[at + 1]!;
    const first = bytes[from] === MINUS ? from + 1 : from;
    let value = -1;
    let point = to;
    if (to > first && to - first <= SHORT + 1 && bytes[first] !== POINT) {
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
    const unscaled = missing < 0 || missing > SHORT ? -1 : value * POWERS_OF_TEN[missing]!;
    // JSON's guess does not take a zero with a minus for a decimal.
    const isNegativeZero = unscaled === 0 && first !== from && zero !== NO_BYTE;
    if (
      unscaled < 0 || unscaled >= limit || isNegativeZero || isPadded(bytes, from, to, zero)
    ) {
      filler.other(slice, row);
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

/** `true` and `false`, and where the type is declared `t`, `1`, `f` and `0`. */
function putBools(filler: ColumnFiller, slice: Slice, rows: number, guessed: boolean): void {
  const { base } = filler;
  const { values } = filler.column as BoolColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const from = spans[at]!;
    const size = spans[at + 1]! - from;
    const value = size === 1 && guessed ? -1 : boolAt(bytes, from, size);
    const bit = base + row;
    if (value === 1) values[bit >> 3]! |= 1 << (bit & 7);
    else if (value < 0) filler.other(slice, row);
  }
}

/** 1, 0, or negative for another text. */
function boolAt(bytes: Uint8Array, at: number, size: number): number {
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
    const day = isoDate(bytes, spans[at]!, spans[at + 1]!);
    if (day === NO_DAY) filler.other(slice, row);
    else values[base + row] = day;
  }
}

function putTimes(filler: ColumnFiller, slice: Slice, rows: number): void {
  const { base } = filler;
  const { words } = filler.column as BigColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const micros = isoTime(bytes, spans[at]!, spans[at + 1]!);
    if (Number.isNaN(micros)) filler.other(slice, row);
    else putSafe(words, (base + row) * 2, micros);
  }
}

function putTimestamps(filler: ColumnFiller, slice: Slice, rows: number, zone: boolean): void {
  const { base } = filler;
  const { words } = filler.column as BigColumn;
  const { bytes, spans, stride } = slice;
  for (let row = 0, at = filler.at; row < rows; row++, at += stride) {
    const micros = isoTimestamp(bytes, spans[at]!, spans[at + 1]!, zone);
    if (Number.isNaN(micros)) filler.other(slice, row);
    else putSafe(words, (base + row) * 2, micros);
  }
}
