/** Fields of CSV → columns. */
import { BigColumn, BytesColumn, type Column, NumberColumn, valuePusher } from "../../arrow/mod.ts";
import { ValueError } from "../../core/errors.ts";
import { INTEGER_BOUNDS, parseText } from "../../core/values.ts";
import type { Field } from "../../models/field.ts";
import { isoDate, isoTime, isoTimestamp } from "../iso.ts";
import { floatHolds } from "../json/number.ts";
import { SHORT, shortDecimal, shortDouble, shortInteger } from "../short.ts";

/**
 * Puts the UTF-8 text from `start` up to `end` into a column.
 *
 * @throws {ValueError} when it is not of the field's type
 */
export type PushText = (bytes: Uint8Array, start: number, end: number) => void;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

export function textPusher(field: Field, column: Column): PushText {
  const pushValue = valuePusher(field, column);
  const general: PushText = (bytes, start, end) =>
    pushValue(parseText(utf8.decode(bytes.subarray(start, end)), field));
  switch (field.dtype) {
    case "string": {
      const strings = column as BytesColumn;
      return (bytes, start, end) => strings.pushBytes(bytes, start, end);
    }
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const numbers = column as NumberColumn;
      const [low, high] = INTEGER_BOUNDS[field.dtype].map(Number) as [number, number];
      return (bytes, start, end) => {
        const value = shortInteger(bytes, start, end);
        if (value === undefined || value < low || value > high) general(bytes, start, end);
        else numbers.push(value);
      };
    }
    case "int64": {
      const bigs = column as BigColumn;
      return (bytes, start, end) => {
        const value = shortInteger(bytes, start, end);
        if (value === undefined) general(bytes, start, end);
        else bigs.push(BigInt(value));
      };
    }
    case "decimal": {
      const bigs = column as BigColumn;
      const { precision = 38, scale = 0 } = field;
      const limit = 10 ** Math.min(precision, SHORT + 1);
      return (bytes, start, end) => {
        const unscaled = shortDecimal(bytes, start, end, scale);
        if (unscaled === undefined || Math.abs(unscaled) >= limit) general(bytes, start, end);
        else bigs.push(BigInt(unscaled));
      };
    }
    case "float32":
    case "float64": {
      const numbers = column as NumberColumn;
      const { dtype } = field;
      return (bytes, start, end) => {
        const short = dtype === "float64" ? shortDouble(bytes, start, end) : undefined;
        numbers.push(
          short ?? exactFloat(utf8.decode(bytes.subarray(start, end)), field, dtype),
        );
      };
    }
    case "date": {
      const days = column as NumberColumn;
      return known(isoDate, (day) => days.push(day), general);
    }
    case "time": {
      const micros = column as BigColumn;
      return known(isoTime, (time) => micros.push(time), general);
    }
    case "timestamp":
    case "timestamp_tz": {
      const micros = column as BigColumn;
      const zone = field.dtype === "timestamp_tz";
      const parse = (bytes: Uint8Array, start: number, end: number) =>
        isoTimestamp(bytes, start, end, zone);
      return known(parse, (instant) => micros.push(instant), general);
    }
    default:
      return general;
  }
}

/** The usual spelling without a string for each; others go the general way. */
function known<T>(
  parse: (bytes: Uint8Array, start: number, end: number) => T | undefined,
  push: (value: T) => void,
  general: PushText,
): PushText {
  return (bytes, start, end) => {
    const value = parse(bytes, start, end);
    if (value === undefined) general(bytes, start, end);
    else push(value);
  };
}

/** The float nearest to the text, where that is the number of the text and no other. */
function exactFloat(text: string, field: Field, dtype: "float32" | "float64"): number {
  const nearest = parseText(text, field) as number;
  const value = dtype === "float32" ? Math.fround(nearest) : nearest;
  if (!/\d/.test(text) || floatHolds(withDigits(text), value, dtype)) return value;
  const wanted = `expected ${dtype} (declare the field as decimal or string to keep all digits)`;
  throw new ValueError(wanted, field.name, undefined, text);
}

/** The number with a digit on both sides of its point, or without one. */
function withDigits(text: string): string {
  return text.replace(/^([+-]?)\./, "$10.").replace(/\.(?=$|e)/i, "");
}
