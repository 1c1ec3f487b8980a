/** How the usual values of each type get from their bytes into a column. */
import { isUtf8 } from "node:buffer";
import type { BigColumn, BoolColumn, BytesColumn, NumberColumn } from "../../../../arrow/mod.ts";
import { findMistake } from "../../../../formats/json/syntax/parse.ts";
import { parseShortDecimal, parseShortInteger } from "../../../../formats/text/fast_numbers.ts";
import type { Field } from "../../../../models/field.ts";
import { BLOB, DOUBLE, TEXT } from "./record_body.ts";
import { type CellReader, getSize, INTEGER_64 } from "./page_reader.ts";
import { DOUBLE_DIGITS } from "../../type_name.ts";

/** Puts a value that is not NULL in a row; false when it is none of the usual ones. */
type Put = (row: number, type: number, at: number) => boolean;

/** How the usual values of a type get into a column. */
export interface Filling {
  /** The column has room for the rows that are put, from here on. */
  begin(cells: CellReader): void;
  readonly put: Put;
  /** Says that a row is NULL. */
  skip(row: number): void;
  /** Whether all that was put since `begin` is right; unset when nothing is left to check. */
  readonly check?: () => boolean;
}

export type OpenColumn = NumberColumn | BigColumn | BoolColumn | BytesColumn;

/** Whether a serial type is that of text in UTF-8. */
export function isText(type: number, wide: boolean): boolean {
  return !wide && type >= TEXT && type % 2 === 1;
}

type ReadNumber = (cells: CellReader, type: number, at: number) => number;

/** Numbers that `read` gives, NaN for an unusual one. */
export function numbers(column: NumberColumn, read: ReadNumber): Filling {
  let { values } = column;
  let cells: CellReader;
  return {
    begin(found) {
      cells = found;
      values = column.values;
    },
    put(row, type, at) {
      const number = read(cells, type, at);
      if (Number.isNaN(number)) return false;
      values[row] = number;
      return true;
    },
    skip() {},
  };
}

/** As `numbers`, safe integers in `width` words of 32 bits. */
export function words(column: BigColumn, width: number, read: ReadNumber): Filling {
  let to = column.words;
  let cells: CellReader;
  return {
    begin(found) {
      cells = found;
      to = column.words;
    },
    put(row, type, at) {
      const number = read(cells, type, at);
      if (Number.isNaN(number)) return false;
      const first = row * width;
      to[first] = number;
      to[first + 1] = Math.floor(number / 4_294_967_296);
      if (width > 2) to.fill(number < 0 ? -1 : 0, first + 2, first + width);
      return true;
    },
    skip() {},
  };
}

export function integers(column: BigColumn, unsigned: boolean, wide: boolean): Filling {
  const small = words(column, 2, (cells, type, at) => {
    if (!unsigned) return cells.integer(type, at);
    const number = isText(type, wide)
      ? parseShortInteger(cells.bytes, at, at + getSize(type)) ?? NaN
      : cells.integer(type, at);
    return number > 0 || Object.is(number, 0) ? number : NaN;
  });
  let to = column.words;
  let view: DataView;
  return {
    begin(cells) {
      small.begin(cells);
      to = column.words;
      view = cells.view;
    },
    put(row, type, at) {
      if (type !== INTEGER_64) return small.put(row, type, at);
      const high = view.getInt32(at);
      if (unsigned && high < 0) return false;
      to[row * 2] = view.getInt32(at + 4);
      to[row * 2 + 1] = high;
      return true;
    },
    skip() {},
  };
}

/** Decimals of at most 15 digits: no two of them share a double. */
export function decimals(column: BigColumn, field: Field, wide: boolean): Filling {
  const { precision = 38, scale = 0 } = field;
  const factor = 10 ** scale;
  const limit = 10 ** Math.min(precision, DOUBLE_DIGITS);
  const width = precision <= 38 ? 4 : 8;
  return words(column, width, (cells, type, at) => {
    if (scale > DOUBLE_DIGITS) return NaN;
    if (type >= BLOB) {
      if (!isText(type, wide)) return NaN;
      const unscaled = parseShortDecimal(cells.bytes, at, at + getSize(type), scale) ?? NaN;
      return Math.abs(unscaled) < limit ? unscaled : NaN;
    }
    const number = type === DOUBLE ? cells.view.getFloat64(at) : cells.integer(type, at);
    const unscaled = Math.round(number * factor);
    return Math.abs(unscaled) < limit && unscaled / factor === number ? unscaled : NaN;
  });
}

export function bools(column: BoolColumn): Filling {
  let { values } = column;
  let cells: CellReader;
  return {
    begin(found) {
      cells = found;
      values = column.values;
    },
    put(row, type, at) {
      const number = cells.integer(type, at);
      if (number !== 0 && number !== 1) return false;
      if (number === 1) values[row >> 3]! |= 1 << (row & 7);
      return true;
    },
    skip() {},
  };
}

/** Bytes from which one call of set costs less than a loop. */
const LONG = 64;

interface BytesFilling extends Filling {
  /** Where the value that was put last begins, and where it ends. */
  readonly last: { from: number; to: number };
}

/** Values of some serial types byte for byte, and a zero behind the last. */
export function bytes(column: BytesColumn, takes: (type: number) => boolean): BytesFilling {
  let from: Uint8Array;
  let { bytes: to, offsets } = column;
  const last = { from: 0, to: 0 };
  return {
    last,
    begin(cells) {
      from = cells.bytes;
      to = column.bytes;
      offsets = column.offsets;
      last.from = last.to = column.end;
    },
    put(row, type, at) {
      if (!takes(type)) return false;
      const size = (type - BLOB) >> 1;
      let end = last.to;
      if (end + size >= to.length) to = column.extend(end, size + 1);
      if (size > LONG) to.set(from.subarray(at, at + size), end);
      else for (let i = 0; i < size; i++) to[end + i] = from[at + i]!;
      last.from = end;
      last.to = end += size;
      to[end] = 0;
      offsets[row + 1] = end;
      return true;
    },
    skip(row) {
      offsets[row + 1] = last.to;
    },
  };
}

/** Text, whose UTF-8 is checked once for all: no value begins in the middle of a character. */
export function texts(column: BytesColumn, wide: boolean): BytesFilling {
  const all = bytes(column, (type) => isText(type, wide));
  let source: Uint8Array;
  let start = 0;
  return {
    last: all.last,
    begin(cells) {
      all.begin(cells);
      source = cells.bytes;
      start = column.end;
    },
    put: (row, type, at) =>
      (type === TEXT || (source[at]! & 0xc0) !== 0x80) && all.put(row, type, at),
    skip: all.skip,
    check: () => isUtf8(column.bytes.subarray(start, all.last.to)),
  };
}

const FIRST_BYTES = { json: undefined, array: 0x5b, object: 0x7b };

export function json(column: BytesColumn, dtype: keyof typeof FIRST_BYTES, wide: boolean): Filling {
  const text = texts(column, wide);
  const wanted = FIRST_BYTES[dtype];
  const { last } = text;
  return {
    ...text,
    put(row, type, at) {
      const { from, to } = last;
      if (!text.put(row, type, at)) return false;
      const right = wanted === undefined || column.bytes[last.from] === wanted;
      if (right && findMistake(column.bytes, last.from, last.to) === undefined) return true;
      [last.from, last.to] = [from, to];
      return false;
    },
  };
}
