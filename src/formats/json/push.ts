/** JSON text → columns. Text of a json, array or object field is kept as it is. */
import {
  BigColumn,
  BoolColumn,
  BytesColumn,
  type Column,
  NumberColumn,
  valuePusher,
} from "../../arrow/mod.ts";
import { INTEGER_BOUNDS, type IntegerType } from "../../core/values.ts";
import type { Field } from "../../models/field.ts";
import { isoDate, isoTime, isoTimestamp, NO_DAY } from "../iso.ts";
import { shortDouble, shortInteger } from "../short.ts";
import { parseScalar } from "./scalar.ts";
import { OPEN_ARRAY, OPEN_OBJECT, QUOTE } from "./scan.ts";
import { hasEscape } from "./text.ts";

/**
 * Puts the correct JSON value from `start` up to `end` into a column.
 *
 * @throws {ValueError} when it is not of the field's type
 */
export type PushJSON = (bytes: Uint8Array, start: number, end: number) => void;

const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;

/** A pusher for a field; `null` is NULL, but JSON's null in a json field that is not nullable. */
export function jsonPusher(field: Field, column: Column): PushJSON {
  const pushValue = valuePusher(field, column);
  const pushText: PushJSON = (bytes, start, end) =>
    pushValue(parseScalar(field, bytes, start, end));
  const push = presentPusher(field, column, pushText);
  if (field.dtype === "json" && !field.nullable) return push;
  return (bytes, start, end) =>
    bytes[start] === LETTER_N ? pushValue(null) : push(bytes, start, end);
}

function presentPusher(field: Field, column: Column, pushText: PushJSON): PushJSON {
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const numbers = column as NumberColumn;
      return integerPusher(field.dtype, (value) => numbers.push(value), pushText);
    }
    case "int64":
    case "uint64": {
      const bigs = column as BigColumn;
      return integerPusher(field.dtype, (value) => bigs.push(BigInt(value)), pushText);
    }
    case "float64": {
      const numbers = column as NumberColumn;
      return (bytes, start, end) => {
        const value = shortDouble(bytes, start, end);
        if (value === undefined) pushText(bytes, start, end);
        else numbers.push(value);
      };
    }
    case "string": {
      const strings = column as BytesColumn;
      return (bytes, start, end) => {
        if (bytes[start] === QUOTE && !hasEscape(bytes, start + 1, end - 1)) {
          strings.pushBytes(bytes, start + 1, end - 1);
          return;
        }
        pushText(bytes, start, end);
      };
    }
    case "bool": {
      const bools = column as BoolColumn;
      return (bytes, start, end) => {
        const first = bytes[start];
        if (first === LETTER_T || first === LETTER_F) bools.push(first === LETTER_T);
        else pushText(bytes, start, end);
      };
    }
    case "date": {
      const days = column as NumberColumn;
      const parse: ParseInside<number> = (bytes, start, end) => {
        const day = isoDate(bytes, start, end);
        return day === NO_DAY ? undefined : day;
      };
      return insidePusher(parse, (day) => days.push(day), pushText);
    }
    case "time": {
      const micros = column as BigColumn;
      const parse: ParseInside<number> = (bytes, start, end) => known(isoTime(bytes, start, end));
      return insidePusher(parse, (time) => micros.push(BigInt(time)), pushText);
    }
    case "timestamp":
    case "timestamp_tz": {
      const micros = column as BigColumn;
      const zone = field.dtype === "timestamp_tz";
      const parse: ParseInside<number> = (bytes, start, end) =>
        known(isoTimestamp(bytes, start, end, zone));
      return insidePusher(parse, (instant) => micros.push(BigInt(instant)), pushText);
    }
    case "json": {
      const texts = column as BytesColumn;
      return (bytes, start, end) => texts.pushBytes(bytes, start, end);
    }
    case "array":
    case "object": {
      const texts = column as BytesColumn;
      const open = field.dtype === "array" ? OPEN_ARRAY : OPEN_OBJECT;
      return (bytes, start, end) => {
        if (bytes[start] === open) texts.pushBytes(bytes, start, end);
        else pushText(bytes, start, end);
      };
    }
    default:
      return pushText;
  }
}

/** Integers of few digits without making a string of them. */
function integerPusher(
  dtype: IntegerType,
  push: (value: number) => void,
  pushText: PushJSON,
): PushJSON {
  const [low, high] = INTEGER_BOUNDS[dtype].map(Number) as [number, number];
  return (bytes, start, end) => {
    const value = shortInteger(bytes, start, end);
    if (value === undefined || value < low || value > high) pushText(bytes, start, end);
    else push(value);
  };
}

/** Reads the inside of a string; undefined for a spelling that it does not know. */
type ParseInside<T> = (bytes: Uint8Array, start: number, end: number) => T | undefined;

function insidePusher<T>(
  parse: ParseInside<T>,
  push: (value: T) => void,
  pushText: PushJSON,
): PushJSON {
  return (bytes, start, end) => {
    const value = bytes[start] === QUOTE ? parse(bytes, start + 1, end - 1) : undefined;
    if (value === undefined) pushText(bytes, start, end);
    else push(value);
  };
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}
