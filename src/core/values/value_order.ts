/**
 * How two values of a field compare: in the order of its dtype, or in that of the numbers that its
 * text holds. NULL, NaN and infinity have no place in either: they are never newer than anything.
 */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import { SchemaError } from "../errors.ts";
import { compareValues, INFINITY, isIntegerType, NEGATIVE_INFINITY, type Value } from "./values.ts";

type Present = Exclude<Value, null>;

/** What of a field says how its values compare. */
export type Ordered = Pick<Field, "dtype" | "order">;

/** Negative, zero or positive. Both values have a place in the order: see {@linkcode isUnordered}. */
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

/** Whether a type has such values. */
export function canBeUnordered({ dtype, order }: Ordered): boolean {
  return order === "number" || PLACELESS.has(dtype);
}

const PLACELESS: ReadonlySet<DXTType> = new Set<DXTType>([
  "float32",
  "float64",
  "date",
  "timestamp",
  "timestamp_tz",
]);

/** Digits of a number's exponent in its key, and what is added so that no exponent is negative. */
const EXPONENT_DIGITS = 8;
const EXPONENT_BIAS = 10 ** EXPONENT_DIGITS / 2;

/**
 * Text that sorts, by its code points, as the number does that a text holds; undefined when it holds
 * none. Numbers are compared exactly, whatever their digits and exponents.
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
  // Of two negative numbers the one with the greater digits is lower.
  return `0${key.replace(/\d/g, (digit) => String(9 - Number(digit)))}:`;
}

/** Kinds of values that compare with one another. */
export type OrderKind = "number" | "text" | "date" | "time" | "instant";

/** The kind of a field's order; undefined for one that has none which other systems share. */
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

/** @throws {SchemaError} for a watermark whose order the target does not keep */
export function refuseOrder(field: Field, target: string): never {
  const type = field.source_type?.replace(/^\w+:/, "") ?? field.dtype;
  throw new SchemaError(
    `Cannot use field "${field.name}" as watermark: ${type} has an order of its own, and ${target} would compare it in another one; expected another watermark_field, or a field that is declared or computed with a dtype such as decimal or timestamp`,
  );
}
