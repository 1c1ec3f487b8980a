/**
 * Order of the values of a field, for watermarks: that of its dtype, or that of the numbers in its
 * text. NULL, NaN and infinity are unordered and never newer than another value.
 */
import { classifyType } from "./kinds.ts";
import type { Field } from "../../models/field.ts";
import { SchemaError } from "../errors.ts";
import { compareValues, INFINITY, isIntegerType, NEGATIVE_INFINITY, type Value } from "./values.ts";

type Present = Exclude<Value, null>;

/** The properties of a field that determine its order. */
export type Ordered = Pick<Field, "dtype" | "order">;

/** Negative, zero or positive. Neither value may be unordered; see {@linkcode isUnordered}. */
export function compareInOrder(a: Present, b: Present, { dtype, order }: Ordered): number {
  if (order !== "number") return compareValues(a, b, dtype);
  const [left, right] = [numberKey(String(a)), numberKey(String(b))];
  if (left === undefined || right === undefined) return 0;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether a value is NaN or infinity. */
export function isUnordered(value: Present, { dtype, order }: Ordered): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  if (typeof value !== "string" || (dtype === "string" && order !== "number")) return false;
  if (order === "number") return /^[+-]?(?:nan|inf(?:inity)?)$/i.test(value);
  return value === INFINITY || value === NEGATIVE_INFINITY;
}

/** Whether a type has NaN or infinity. */
export function canBeUnordered({ dtype, order }: Ordered): boolean {
  return order === "number" || ["float", "date", "timestamp"].includes(classifyType(dtype));
}

/** Digits of the exponent in a key, and the bias that makes every exponent positive. */
const EXPONENT_DIGITS = 8;
const EXPONENT_BIAS = 10 ** EXPONENT_DIGITS / 2;

/**
 * A key for the number in a text: keys sorted by code points are sorted by number, exactly, whatever
 * the digits and exponents. Undefined when the text is not a number.
 */
export function numberKey(text: string): string | undefined {
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,7}))?\s*$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", power = "0"] = match;
  if (whole === "" && fraction === "") return undefined;
  const digits = `${whole}${fraction}`;
  const first = digits.search(/[1-9]/);
  if (first === -1) return "1";
  const exponent = whole.length - first + Number(power) + EXPONENT_BIAS;
  const key = `${String(exponent).padStart(EXPONENT_DIGITS, "0")}${
    digits.slice(first).replace(/0+$/, "")
  }`;
  if (sign !== "-") return `2${key}`;
  // Among negative numbers, greater digits mean a lower number.
  return `0${key.replace(/\d/g, (digit) => String(9 - Number(digit)))}:`;
}

/** Kinds of values that can be compared with each other. */
export type OrderKind = "number" | "text" | "date" | "time" | "instant";

/** The kind of a field's order; undefined when other systems do not share its order. */
export function orderKind({ dtype, order }: Ordered): OrderKind | undefined {
  if (order === "number" || dtype === "decimal" || isIntegerType(dtype)) return "number";
  if (order !== undefined) return undefined;
  switch (dtype) {
    case "float32":
    case "float64":
      return "number";
    case "string":
      return "text";
    case "date":
    case "timestamp":
      return "date";
    case "time":
      return "time";
    case "timestamp_tz":
      return "instant";
    default:
      return undefined;
  }
}

/** @throws {SchemaError} always: the target does not keep the order of this watermark field */
export function refuseOrder(field: Field, target: string): never {
  const type = field.source_type?.replace(/^\w+:/, "") ?? field.dtype;
  throw new SchemaError(
    `Cannot use field "${field.name}" as watermark: ${type} has its own order, and ${target} would compare it in another one; expected another watermark_field, or a field that is declared or computed with a dtype such as decimal or timestamp`,
  );
}
