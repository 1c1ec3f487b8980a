/** Cells → columns. Usual values are read from their bytes; all others go through `rawPusher`. */
import type {
  BigColumn,
  BoolColumn,
  BytesColumn,
  Column,
  NumberColumn,
} from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import { integerBounds } from "../../../../core/values/values.ts";
import { classifyType } from "../../../../core/values/kinds.ts";
import {
  NO_DAY,
  parseISODate,
  parseISOTime,
  parseISOTimestamp,
} from "../../../../formats/text/iso.ts";
import type { Field } from "../../../../models/field.ts";
import { BLOB, DOUBLE } from "./record_body.ts";
import { type CellReader, getSize } from "./page_reader.ts";
import {
  bools,
  bytes,
  decimals,
  type Filling,
  integers,
  isText,
  json,
  numbers,
  type OpenColumn,
  texts,
  words,
} from "./value_fillers.ts";
import { rawPusher } from "../types/raw_values.ts";
import type { TextEncoding } from "../types/text_encoding.ts";

/**
 * A function that appends the values of one column of some rows, after `before` rows of the stream.
 *
 * @throws {ValueError} (the function) for a value that is none of the field's
 */
export function columnFiller(
  field: Field,
  column: Column,
  encoding: TextEncoding,
): (cells: CellReader, place: number, before: number) => void {
  const push = rawPusher(field, column);
  const open = column as OpenColumn;
  const filling = chooseFilling(field, open, encoding.wide);
  let nulls = 0;

  /** Appends rows until one is unusual, and returns which. */
  const usual = (cells: CellReader, first: number, from: number): number => {
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

  const unusual = (cells: CellReader, index: number, row: number) => {
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

function chooseFilling(field: Field, column: OpenColumn, wide: boolean): Filling {
  const { dtype } = field;
  switch (classifyType(dtype)) {
    case "integer": {
      const [low, high] = integerBounds(dtype);
      return numbers(column as NumberColumn, (cells, type, at) => {
        const number = cells.integer(type, at);
        return number >= low && number <= high ? number : NaN;
      });
    }
    case "float": {
      const wanted = dtype === "float32" ? Math.fround : Number;
      return numbers(column as NumberColumn, (cells, type, at) => {
        const number = type === DOUBLE ? cells.view.getFloat64(at) : cells.integer(type, at);
        return wanted(number) === number ? number : NaN;
      });
    }
    case "date":
      return numbers(column as NumberColumn, (cells, type, at) => {
        const day = isText(type, wide) ? parseISODate(cells.bytes, at, at + getSize(type)) : NO_DAY;
        return day === NO_DAY ? NaN : day;
      });
    case "bool":
      return bools(column as BoolColumn);
    case "long":
      return integers(column as BigColumn, dtype === "uint64", wide);
    case "decimal":
      return decimals(column as BigColumn, field, wide);
    case "time":
      return words(
        column as BigColumn,
        2,
        (cells, type, at) =>
          isText(type, wide) ? parseISOTime(cells.bytes, at, at + getSize(type)) : NaN,
      );
    case "timestamp": {
      const zone = dtype === "timestamp_tz";
      return words(
        column as BigColumn,
        2,
        (cells, type, at) =>
          isText(type, wide) ? parseISOTimestamp(cells.bytes, at, at + getSize(type), zone) : NaN,
      );
    }
    case "binary":
      return bytes(column as BytesColumn, (type) => type >= BLOB && type % 2 === 0);
    case "string":
      return texts(column as BytesColumn, wide);
    case "json":
      return json(column as BytesColumn, dtype as "json" | "array" | "object", wide);
  }
}
