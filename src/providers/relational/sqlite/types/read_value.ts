/** Values as SQLite gives them → columns. */
import {
  type BigColumn,
  type BoolColumn,
  type BytesColumn,
  type Column,
  type NumberColumn,
} from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import {
  exactDecimal,
  formatValue,
  INTEGER_BOUNDS,
  jsonText,
  plainDecimal,
} from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import { clockReader } from "./datetime_text.ts";
import { EXACT_DIGITS } from "./type_mapper.ts";

/** A value of one of SQLite's storage classes: null, integer, real, text, blob. */
export type Raw = null | bigint | number | string | Uint8Array;

/** Text that stands for a double that a REAL column would change: SQLite makes NaN NULL, -0 0. */
export const NOT_A_NUMBER = "NaN";
export const NEGATIVE_ZERO = "-0.0f";

const CLASS = { bigint: "integer", number: "real", string: "text", object: "blob" } as const;

/**
 * A function that checks a value against a field and pushes it. A value of another storage class
 * than the field's is refused, not turned: only for a field of dtype string a number is its text.
 *
 * @throws {ValueError} (the function)
 */
export function rawPusher(field: Field, column: Column): (value: Raw) => void {
  const push = presentPusher(field, column);
  return (value) => value === null ? column.pushNull() : push(value);
}

function presentPusher(field: Field, column: Column): (value: Exclude<Raw, null>) => void {
  const { dtype } = field;
  const wrong = (wanted: string, value: Exclude<Raw, null>): never => {
    const storage = CLASS[typeof value as keyof typeof CLASS];
    const hint = dtype === "string" ? "binary" : storage === "blob" ? "binary" : "string";
    throw new ValueError(
      `expected ${wanted}, SQLite holds ${storage} here; a declared dtype, for example ${hint}, reads it`,
      field.name,
      undefined,
      value,
    );
  };
  switch (dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32": {
      const numbers = column as NumberColumn;
      const [low, high] = INTEGER_BOUNDS[dtype].map(Number) as [number, number];
      return (value) => {
        if (typeof value !== "bigint") return wrong(dtype, value);
        const number = Number(value);
        if (number < low || number > high) wrong(`${dtype} (${low} to ${high})`, value);
        numbers.push(number);
      };
    }
    case "int64": {
      const bigs = column as BigColumn;
      return (value) => typeof value === "bigint" ? bigs.push(value) : wrong(dtype, value);
    }
    case "uint64": {
      const bigs = column as BigColumn;
      const [, high] = INTEGER_BOUNDS.uint64;
      return (value) => {
        const big = typeof value === "string" && /^\d{1,20}$/.test(value) ? BigInt(value) : value;
        if (typeof big !== "bigint" || big < 0n || big > high) return wrong(dtype, value);
        bigs.push(big);
      };
    }
    case "float32":
    case "float64": {
      const numbers = column as NumberColumn;
      return (value) => {
        const number = typeof value === "number" ? value : doubleOf(value);
        if (number === undefined) return wrong(dtype, value);
        if (dtype === "float32" && Math.fround(number) !== number && !Number.isNaN(number)) {
          wrong("float32 (a number that 32 bits hold exactly)", value);
        }
        numbers.push(number);
      };
    }
    case "decimal": {
      const bigs = column as BigColumn;
      const unscaled = unscaledReader(field);
      const { precision = 38, scale = 0 } = field;
      return (value) => {
        const big = unscaled(value);
        if (big === undefined) return wrong(`decimal(${precision},${scale})`, value);
        bigs.push(big);
      };
    }
    case "string": {
      const strings = column as BytesColumn;
      return (value) => {
        if (typeof value === "string") strings.pushString(value);
        else if (typeof value === "object") wrong("text", value);
        else if (field.number === true) strings.pushString(plainNumberText(value));
        else strings.pushString(numberText(value));
      };
    }
    case "bool": {
      const bools = column as BoolColumn;
      return (value) =>
        value === 0n || value === 1n ? bools.push(value === 1n) : wrong("bool, 0 or 1", value);
    }
    case "date": {
      const days = column as NumberColumn;
      const read = clockReader(field);
      return (value) =>
        typeof value === "string"
          ? days.push(read(value) as number)
          : wrong("date as text, YYYY-MM-DD", value);
    }
    case "time":
    case "timestamp":
    case "timestamp_tz": {
      const micros = column as BigColumn;
      const read = clockReader(field);
      const shape = dtype === "time" ? "HH:MM:SS" : "YYYY-MM-DD HH:MM:SS";
      return (value) =>
        typeof value === "string"
          ? micros.push(read(value) as bigint)
          : wrong(`${dtype} as text, ${shape}`, value);
    }
    case "binary": {
      const bytes = column as BytesColumn;
      return (value) => value instanceof Uint8Array ? bytes.pushBytes(value) : wrong("blob", value);
    }
    case "json":
    case "array":
    case "object": {
      const strings = column as BytesColumn;
      return (value) => {
        if (typeof value === "object") return wrong(`${dtype} as text`, value);
        // A column declared JSON makes numbers of JSON numbers.
        const text = typeof value === "string" ? value : numberText(value);
        strings.pushString(jsonText(text, field).text);
      };
    }
  }
}

/** An integer that a double holds exactly, or the texts of doubles that SQLite would change. */
function doubleOf(value: bigint | string | Uint8Array): number | undefined {
  if (value === NOT_A_NUMBER) return NaN;
  if (value === NEGATIVE_ZERO) return -0;
  if (typeof value !== "bigint") return undefined;
  const number = Number(value);
  return BigInt(number) === value ? number : undefined;
}

/** Text of a number, and text as it is. */
export function numberText(value: bigint | number | string): string {
  return typeof value === "number" ? formatValue(value) : String(value);
}

/** Digits of a number without bounds, which never has an exponent. */
function plainNumberText(value: bigint | number): string {
  return typeof value === "bigint" ? String(value) : plainDecimal(value);
}

/**
 * Reads numbers and text as the unscaled value of a decimal; undefined when it is none, or needs
 * other digits than the field has. The digits of a double are the fewest that mean it.
 */
export function unscaledReader(field: Field): (value: Raw) => bigint | undefined {
  const { precision = 38, scale = 0 } = field;
  const factor = 10 ** scale;
  const safe = 10 ** Math.min(precision, EXACT_DIGITS);
  return (value) => {
    if (value === null || typeof value === "object") return undefined;
    if (typeof value === "number" && scale <= EXACT_DIGITS) {
      // Up to 15 digits no two decimals share a double.
      const rounded = Math.round(value * factor);
      if (Math.abs(rounded) < safe && rounded / factor === value) return BigInt(rounded);
    }
    const text = typeof value === "number" ? plainDecimal(value) : String(value);
    const exact = exactDecimal(text, precision, scale);
    return exact === undefined ? undefined : BigInt(exact.replace(".", ""));
  };
}
