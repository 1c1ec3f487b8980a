/** Cells → columns. Usual values are read from their bytes; all others go through `rawPusher`. */
import { isUtf8 } from "node:buffer";
import {
  BigColumn,
  BoolColumn,
  BytesColumn,
  type Column,
  NumberColumn,
} from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import { INTEGER_BOUNDS } from "../../../core/values.ts";
import { isoDate, isoTime, isoTimestamp, NO_DAY } from "../../../formats/iso.ts";
import { mistakeIn } from "../../../formats/json/parse.ts";
import { shortDecimal, shortInteger } from "../../../formats/short.ts";
import type { Field } from "../../../models/field.ts";
import { BLOB, type Cells, DOUBLE, INTEGER_64, sizeOf, TEXT } from "./cells.ts";
import { rawPusher } from "./reading.ts";
import type { TextEncoding } from "./text.ts";
import { EXACT_DIGITS } from "./type_mapper.ts";

/** Puts a value that is not NULL in a row; false when it is none of the usual ones. */
type Put = (row: number, type: number, at: number) => boolean;

/** How the usual values of a type get into a column. */
interface Filling {
  /** The column has room for the rows that are put, from here on. */
  begin(cells: Cells): void;
  readonly put: Put;
  /** Says that a row is NULL. */
  skip(row: number): void;
  /** Whether all that was put since `begin` is right; unset when nothing is left to check. */
  readonly check?: () => boolean;
}

type OpenColumn = NumberColumn | BigColumn | BoolColumn | BytesColumn;

/**
 * A function that appends the values of one column of some rows, after `before` rows of the stream.
 *
 * @throws {ValueError} (the function) for a value that is none of the field's
 */
export function filler(
  field: Field,
  column: Column,
  encoding: TextEncoding,
): (cells: Cells, place: number, before: number) => void {
  const push = rawPusher(field, column);
  const open = column as OpenColumn;
  const filling = fillingOf(field, open, encoding.wide);
  let nulls = 0;

  /** Appends rows until one is unusual, and returns which. */
  const usual = (cells: Cells, first: number, from: number): number => {
    const base = open.length - from;
    const valid = open.open(base + cells.rows);
    const before = nulls;
    filling.begin(cells);
    let row = from;
    for (; row < cells.rows; row++) {
      const type = cells.types[first + row]!;
      const to = base + row;
      if (type === 0) {
        valid[to >> 3]! &= ~(1 << (to & 7));
        nulls++;
        filling.skip(to);
      } else if (!filling.put(to, type, cells.offsets[first + row]!)) {
        break;
      }
    }
    if (filling.check?.() === false) {
      nulls = before;
      row = from;
      valid.fill(0xff, (base + from + 7) >> 3);
      for (let bit = base + from; bit & 7; bit++) valid[bit >> 3]! |= 1 << (bit & 7);
    }
    open.close(base + row, nulls);
    return row;
  };

  const unusual = (cells: Cells, index: number, row: number) => {
    try {
      const { raw, text } = cells.value(index);
      if (raw === null) nulls++;
      push(text ? encoding.text(raw as Uint8Array, field) : raw);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row) : error;
    }
  };

  return (cells, place, before) => {
    if (open.length === 0) nulls = 0;
    const first = place * cells.room;
    for (let row = 0; row < cells.rows;) {
      row = usual(cells, first, row);
      if (row < cells.rows) unusual(cells, first + row, before + ++row);
    }
  };
}

function fillingOf(field: Field, column: OpenColumn, wide: boolean): Filling {
  const { dtype } = field;
  switch (dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const [low, high] = INTEGER_BOUNDS[dtype].map(Number) as [number, number];
      return numbers(column as NumberColumn, (cells, type, at) => {
        const number = cells.integer(type, at);
        return number >= low && number <= high ? number : NaN;
      });
    }
    case "float32":
    case "float64": {
      const wanted = dtype === "float32" ? Math.fround : Number;
      return numbers(column as NumberColumn, (cells, type, at) => {
        const number = type === DOUBLE ? cells.view.getFloat64(at) : cells.integer(type, at);
        return wanted(number) === number ? number : NaN;
      });
    }
    case "date":
      return numbers(column as NumberColumn, (cells, type, at) => {
        const day = isText(type, wide) ? isoDate(cells.bytes, at, at + sizeOf(type)) : NO_DAY;
        return day === NO_DAY ? NaN : day;
      });
    case "bool":
      return bools(column as BoolColumn);
    case "int64":
    case "uint64":
      return integers(column as BigColumn, dtype === "uint64", wide);
    case "decimal":
      return decimals(column as BigColumn, field, wide);
    case "time":
      return words(
        column as BigColumn,
        2,
        (cells, type, at) => isText(type, wide) ? isoTime(cells.bytes, at, at + sizeOf(type)) : NaN,
      );
    case "timestamp":
    case "timestamp_tz": {
      const zone = dtype === "timestamp_tz";
      return words(
        column as BigColumn,
        2,
        (cells, type, at) =>
          isText(type, wide) ? isoTimestamp(cells.bytes, at, at + sizeOf(type), zone) : NaN,
      );
    }
    case "binary":
      return bytes(column as BytesColumn, (type) => type >= BLOB && type % 2 === 0);
    case "string":
      return texts(column as BytesColumn, wide);
    case "json":
    case "array":
    case "object":
      return json(column as BytesColumn, dtype, wide);
  }
}

/** Whether a serial type is that of text in UTF-8. */
function isText(type: number, wide: boolean): boolean {
  return !wide && type >= TEXT && type % 2 === 1;
}

type ReadNumber = (cells: Cells, type: number, at: number) => number;

/** Numbers that `read` gives, NaN for an unusual one. */
function numbers(column: NumberColumn, read: ReadNumber): Filling {
  let { values } = column;
  let cells: Cells;
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
function words(column: BigColumn, width: number, read: ReadNumber): Filling {
  let to = column.words;
  let cells: Cells;
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

function integers(column: BigColumn, unsigned: boolean, wide: boolean): Filling {
  const small = words(column, 2, (cells, type, at) => {
    if (!unsigned) return cells.integer(type, at);
    const number = isText(type, wide)
      ? shortInteger(cells.bytes, at, at + sizeOf(type)) ?? NaN
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
function decimals(column: BigColumn, field: Field, wide: boolean): Filling {
  const { precision = 38, scale = 0 } = field;
  const factor = 10 ** scale;
  const limit = 10 ** Math.min(precision, EXACT_DIGITS);
  const width = precision <= 38 ? 4 : 8;
  return words(column, width, (cells, type, at) => {
    if (scale > EXACT_DIGITS) return NaN;
    if (type >= BLOB) {
      if (!isText(type, wide)) return NaN;
      const unscaled = shortDecimal(cells.bytes, at, at + sizeOf(type), scale) ?? NaN;
      return Math.abs(unscaled) < limit ? unscaled : NaN;
    }
    const number = type === DOUBLE ? cells.view.getFloat64(at) : cells.integer(type, at);
    const unscaled = Math.round(number * factor);
    return Math.abs(unscaled) < limit && unscaled / factor === number ? unscaled : NaN;
  });
}

function bools(column: BoolColumn): Filling {
  let { values } = column;
  let cells: Cells;
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
function bytes(column: BytesColumn, takes: (type: number) => boolean): BytesFilling {
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
function texts(column: BytesColumn, wide: boolean): BytesFilling {
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

function json(column: BytesColumn, dtype: keyof typeof FIRST_BYTES, wide: boolean): Filling {
  const text = texts(column, wide);
  const wanted = FIRST_BYTES[dtype];
  const { last } = text;
  return {
    ...text,
    put(row, type, at) {
      const { from, to } = last;
      if (!text.put(row, type, at)) return false;
      const right = wanted === undefined || column.bytes[last.from] === wanted;
      if (right && mistakeIn(column.bytes, last.from, last.to) === undefined) return true;
      [last.from, last.to] = [from, to];
      return false;
    },
  };
}
