/**
 * The text of a value → text that the server reads as the very same value of a column's type. It is read
 * here, as the dtype that the column's type is by nature: exactly, or refused with field and value.
 */
import { ValueError } from "../../../../core/errors.ts";
import { formatValue, parseText, plainDecimal } from "../../../../core/values/values.ts";
import type { DXTType } from "../../../../models/dtype.ts";
import type { Field } from "../../../../models/field.ts";
import { arrayLiteral } from "../copy/array_literal.ts";
import { serverText } from "../sql/dialect.ts";
import { refuseRepeatedKeys } from "./json_keys.ts";
import { isText } from "./server_check.ts";
import { fromSource, nativeType } from "./type_mapper.ts";
import { parseTypeName, type TypeName } from "./type_name.ts";

export type Convert = (text: string) => string;

/** For values of a field; `type` is the column's, as `format_type` prints it. */
export function exactConverter(field: Field, type: string): Convert {
  const natural = fromSource(type);
  if (natural.dtype === "array") return arrayConverter(field, type);
  if (natural.dtype === "binary" && !isText(field)) {
    // Digits of a number would be read as those of bytes.
    return (text) => {
      throw new ValueError("expected bytes", field.name, undefined, text);
    };
  }
  return valueConverter(field.dtype, { ...field, ...natural }, parseTypeName(type));
}

/** The values of a type that PostgreSQL calls text are what they are. */
const TEXT_ELEMENTS: ReadonlySet<string> = new Set(["text", "varchar", "bpchar", "name"]);

/** For JSON arrays; elements of the very same type are not looked at. */
export function arrayConverter(field: Field, type: string): Convert {
  const element = parseTypeName(type);
  const native = nativeType(field);
  const convert = native === type ? undefined : elementConverter(field, native, type);
  const strings = TEXT_ELEMENTS.has(element.base);
  return (text) => {
    const literal = arrayLiteral(text, strings, convert);
    if (literal !== undefined) return literal;
    // A string may be an array literal already, which the server reads.
    if (field.dtype === "string") return text;
    throw new ValueError(`expected a JSON array for ${type}`, field.name, undefined, text);
  };
}

function elementConverter(field: Field, native: string | undefined, type: string): Convert {
  const bare = type.replace(/(?:\[\d*\])+$/, "");
  const from = native === undefined || !parseTypeName(native).array
    ? "string"
    : fromSource(native.replace(/(?:\[\d*\])+$/, "")).dtype;
  return valueConverter(from, { ...field, ...fromSource(bare) }, parseTypeName(bare));
}

function valueConverter(from: DXTType, natural: Field, type: TypeName): Convert {
  const spell = spelling(from, natural);
  const check = findLimit(natural, type);
  return (text) => {
    const value = parseText(spell(text), natural);
    check?.(formatValue(value), text);
    return serverText(value);
  };
}

const isFloat = (dtype: DXTType) => dtype === "float32" || dtype === "float64";

/** What the natural dtype reads of the text of a value of another one. */
function spelling(from: DXTType, natural: Field): Convert {
  if (natural.dtype === "decimal" && isFloat(from)) {
    return (text) => text !== "" && isFinite(Number(text)) ? plainDecimal(Number(text)) : text;
  }
  if (natural.dtype === "float32" && from === "float64") {
    return (text) => {
      const value = Number(text);
      if (Math.fround(value) === value || Number.isNaN(value)) return text;
      throw new ValueError(
        "expected float32, which has no such number",
        natural.name,
        undefined,
        text,
      );
    };
  }
  // The digits that tell a float from its neighbours are other digits as a double.
  if (natural.dtype === "float64" && from === "float32") {
    return (text) => formatValue(Math.fround(Number(text)));
  }
  // Elements of arrays come as the server writes them into JSON.
  if (DATED.has(from)) return isoDate;
  return (text) => text;
}

const DATED: ReadonlySet<DXTType> = new Set(["date", "timestamp", "timestamp_tz"]);

/** A year of the server's as ISO 8601 has it, with a sign where it is not of four digits. */
function isoDate(text: string): string {
  const match = /^(\d+)(-\d\d-\d\d.*?)( BC)?$/s.exec(text);
  if (match === null || (match[1]!.length === 4 && match[3] === undefined)) return text;
  const year = match[3] === undefined ? Number(match[1]) : 1 - Number(match[1]);
  return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}${match[2]}`;
}

/** Digits of the second of a type without a precision. */
const MICROS_DIGITS = 6;

type Limit = (read: string, text: string) => void;

/** What a column takes less of than its dtype. */
function findLimit(natural: Field, { base, args: [size] }: TypeName): Limit | undefined {
  const refuse = (wanted: string, text: string): never => {
    throw new ValueError(`expected ${wanted}`, natural.name, undefined, text);
  };
  switch (natural.dtype) {
    case "time":
    case "timestamp":
    case "timestamp_tz":
      if (size === undefined || size >= MICROS_DIGITS) return undefined;
      return (read, text) => {
        const digits = /\.(\d*[1-9])/.exec(read)?.[1]?.length ?? 0;
        if (digits > size) refuse(`${size} digits of the second, as the column has`, text);
      };
    case "json":
      if (base !== "jsonb") return undefined;
      return (_, text) => refuseRepeatedKeys(text, natural.name);
    case "string":
      if (size === undefined || (base !== "varchar" && base !== "bpchar")) return undefined;
      return (_, text) => {
        if ([...text].length > size) refuse(`at most ${size} characters, as the column has`, text);
      };
    default:
      return undefined;
  }
}
