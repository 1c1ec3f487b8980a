/**
 * Values as a driver returns them → columns, for a system whose rows come as JavaScript values. Nothing
 * is turned into another kind of value in silence: what a field's type does not hold is refused.
 */
import {
  type BigColumn,
  type BoolColumn,
  type BytesColumn,
  type Column,
  type NumberColumn,
} from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import {
  exactDecimal,
  formatValue,
  INTEGER_BOUNDS,
  integerBounds,
  jsonText,
  plainDecimal,
} from "../../../core/values/values.ts";
import { classifyType } from "../../../core/values/kinds.ts";
import type { Field } from "../../../models/field.ts";
import { clockReader } from "./datetime_text.ts";
import { DOUBLE_DIGITS } from "../type_name.ts";

/** Dates and times are text in the shapes of ISO 8601; JSON is its text. */
export type DriverValue = null | boolean | bigint | number | string | Uint8Array;
type Present = Exclude<DriverValue, null>;

/** What the values of one driver mean. */
export interface DriverRules {
  /** The system in messages. */
  readonly product: string;
  /** The system's words for kinds of values, by their `typeof`. */
  readonly kinds: Readonly<Record<string, string>>;
  /** Whole numbers come as bigint alone: a number is a double, also where it is whole. */
  readonly bigIntegers: boolean;
  /** Texts that stand for doubles which the system cannot keep. */
  readonly doubles: ReadonlyMap<unknown, number>;
}

/**
 * A function that checks a value against a field and pushes it. A value of another kind than the
 * field's is refused, not turned: only for a field of dtype string a number is its text.
 *
 * @throws {ValueError} (the function)
 */
export function driverPusher(
  field: Field,
  column: Column,
  rules: DriverRules,
): (value: DriverValue) => void {
  const push = presentPusher(field, column, rules);
  return (value) => value === null ? column.pushNull() : push(value);
}

function presentPusher(
  field: Field,
  column: Column,
  rules: DriverRules,
): (value: Present) => void {
  const { dtype } = field;
  const wrong = (wanted: string, value: Present): never => {
    const isBytes = typeof value === "object";
    const hint = dtype === "string" || isBytes ? "binary" : "string";
    throw new ValueError(
      `expected ${wanted}, ${rules.product} holds ${
        rules.kinds[typeof value]
      } here; a declared dtype, for example ${hint}, reads it`,
      field.name,
      undefined,
      value,
    );
  };
  const wholes = !rules.bigIntegers;
  const isWhole = (value: Present): value is number =>
    wholes && typeof value === "number" && Number.isSafeInteger(value);
  const unsigned = (value: Present): bigint => {
    const isDigits = typeof value === "string" && /^\d{1,20}$/.test(value);
    const big = isDigits || isWhole(value) ? BigInt(value) : value;
    return typeof big === "bigint" && big >= 0n && big <= INTEGER_BOUNDS.uint64[1]
      ? big
      : wrong(dtype, value);
  };
  switch (classifyType(dtype)) {
    case "integer": {
      const numbers = column as NumberColumn;
      const [low, high] = integerBounds(dtype);
      return (value) => {
        if (typeof value !== "bigint" && !isWhole(value)) return wrong(dtype, value);
        const number = Number(value);
        if (number < low || number > high) wrong(`${dtype} (${low} to ${high})`, value);
        numbers.push(number);
      };
    }
    case "long": {
      const bigs = column as BigColumn;
      if (dtype === "uint64") return (value) => bigs.push(unsigned(value));
      return (value) => {
        if (typeof value === "bigint") bigs.push(value);
        else if (isWhole(value)) bigs.push(BigInt(value));
        else wrong(dtype, value);
      };
    }
    case "float": {
      const numbers = column as NumberColumn;
      return (value) => {
        const number = typeof value === "number" ? value : readDouble(value, rules);
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
        else if (typeof value === "object" || typeof value === "boolean") wrong("text", value);
        else if (field.number === true) strings.pushString(plainNumberText(value));
        else strings.pushString(numberText(value));
      };
    }
    case "bool": {
      const bools = column as BoolColumn;
      return (value) => {
        if (typeof value === "boolean") bools.push(value);
        else if (value === 0n || value === 1n) bools.push(value === 1n);
        else if (isWhole(value) && (value === 0 || value === 1)) bools.push(value === 1);
        else wrong("bool, 0 or 1", value);
      };
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
    case "timestamp": {
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
      return (value) =>
        value instanceof Uint8Array ? bytes.pushBytes(value) : wrong(rules.kinds["object"]!, value);
    }
    case "json": {
      const strings = column as BytesColumn;
      return (value) => {
        if (typeof value === "object" || typeof value === "boolean") {
          return wrong(`${dtype} as text`, value);
        }
        // A column declared JSON makes numbers of JSON numbers.
        const text = typeof value === "string" ? value : numberText(value);
        strings.pushString(jsonText(text, field).text);
      };
    }
  }
}

/** An integer that a double holds exactly, or a text that stands for a double. */
function readDouble(value: Present, { doubles }: DriverRules): number | undefined {
  const double = doubles.get(value);
  if (double !== undefined) return double;
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
export function unscaledReader(field: Field): (value: DriverValue) => bigint | undefined {
  const { precision = 38, scale = 0 } = field;
  const factor = 10 ** scale;
  const safe = 10 ** Math.min(precision, DOUBLE_DIGITS);
  return (value) => {
    if (value === null || typeof value === "object" || typeof value === "boolean") return undefined;
    if (typeof value === "number" && scale <= DOUBLE_DIGITS) {
      // Up to 15 digits no two decimals share a double.
      const rounded = Math.round(value * factor);
      if (Math.abs(rounded) < safe && rounded / factor === value) return BigInt(rounded);
    }
    const text = typeof value === "number" ? plainDecimal(value) : String(value);
    const exact = exactDecimal(text, precision, scale);
    return exact === undefined ? undefined : BigInt(exact.replace(".", ""));
  };
}
