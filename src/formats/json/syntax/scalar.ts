/**
 * Parses JSON values by their text. A number, string or boolean is parsed as `parseText` does, so
 * quotes around a scalar do not matter where the field's type is not JSON's own. A number may have
 * a fraction or exponent that does not change it (1.0, 1e2). A guessed type accepts only what could
 * have led to the guess: no number in quotes, for example.
 */
import { QUOTE } from "../../../core/values/ascii.ts";
import { ValueError } from "../../../core/errors.ts";
import {
  decimalParts,
  floatHolds,
  type FloatType,
  nearestFloat,
} from "../../../core/values/number_text.ts";
import { isIntegerType, parseText, type Value } from "../../../core/values/values.ts";
import { classifyType } from "../../../core/values/kinds.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import { guessError, parseGuessed } from "../../inference/type_inference.ts";
import { plainDigits } from "./number.ts";
import { decode, unescape } from "./text.ts";

/**
 * Parses the valid JSON value from `start` up to `end`, any but null.
 *
 * @param guess the guessed type of the field; undefined when its type is declared
 * @throws {ValueError} when it is not of the field's type
 */
export function parseScalar(
  field: Field,
  bytes: Uint8Array,
  start: number,
  end: number,
  guess?: DXTType,
): Exclude<Value, null> {
  if (bytes[start] !== QUOTE) {
    const text = decode(bytes, start, end);
    return guess === undefined ? parseBare(text, field) : parseGuessedBare(text, field, guess);
  }
  const inside = unescape(bytes, start + 1, end - 1);
  if (inside === undefined) {
    throw valueError(field, "text without a lone surrogate", decode(bytes, start, end));
  }
  const text = decode(inside, 0, inside.length);
  if (guess === undefined) return parseText(text, field);
  if (guess !== field.dtype || guess === "string") return parseGuessed(text, field, guess);
  throw guessError(field, guess, text, `expected ${field.dtype} without quotes`);
}

/** Like `parseBare`, but accepts only values that could have led to the guess. */
function parseGuessedBare(text: string, field: Field, guess: DXTType): Exclude<Value, null> {
  const { dtype } = field;
  const isOwnKind = guess === dtype;
  if (isOwnKind && dtype === "string") throw guessError(field, guess, text, "expected a string");
  if (dtype === "bool" && text !== "true" && text !== "false") {
    throw guessError(field, guess, text);
  }
  const isInteger = isIntegerType(dtype);
  const isOther = isInteger && isOwnKind && !/^-?\d+$/.test(text);
  if (isOther || ((isInteger || dtype === "decimal") && isNegativeZero(text))) {
    throw guessError(field, guess, text);
  }
  try {
    return parseBare(text, field);
  } catch (error) {
    if (!(error instanceof ValueError) || error.detail.includes("declare")) throw error;
    throw guessError(field, guess, text, error.detail);
  }
}

/** Whether the text is -0, which integers and decimals do not have. */
function isNegativeZero(text: string): boolean {
  return text.startsWith("-") && decimalParts(text)?.digits === "";
}

/** Parses a number, `true` or `false`; refuses an array or object. */
export function parseBare(text: string, field: Field): Exclude<Value, null> {
  const isNumber = /^[-\d]/.test(text);
  switch (classifyType(field.dtype)) {
    case "integer":
    case "long":
    case "decimal":
      return isNumber ? parseText(withoutExponent(text, field), field) : parseText(text, field);
    case "float":
      return isNumber
        ? parseFloatExactly(text, field.dtype as FloatType, field)
        : parseText(text, field);
    case "bool":
      return parseText(text, field);
    case "string":
      if (isNumber || text === "true" || text === "false") return text;
      throw valueError(
        field,
        "string (declare the field as json to keep arrays and objects)",
        text,
      );
    default:
      throw valueError(field, `${field.dtype} as JSON ${JSON_KIND[field.dtype] ?? "string"}`, text);
  }
}

const JSON_KIND: Readonly<Record<string, string>> = { array: "array", object: "object" };

function withoutExponent(text: string, field: Field): string {
  const parts = decimalParts(text);
  const plain = parts && plainDigits(parts);
  if (plain === undefined) throw valueError(field, `${field.dtype} of at most 76 digits`, text);
  return plain;
}

function parseFloatExactly(text: string, dtype: FloatType, field: Field): number {
  const value = nearestFloat(text, dtype);
  if (floatHolds(text, value, dtype)) return value;
  throw valueError(
    field,
    `${dtype} (declare the field as decimal or json to keep all digits)`,
    text,
  );
}

function valueError(field: Field, wanted: string, text: string): ValueError {
  return new ValueError(`expected ${wanted}`, field.name, undefined, text);
}
