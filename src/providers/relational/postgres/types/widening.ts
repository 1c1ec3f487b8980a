/** Which of PostgreSQL's types, where dxt knows them by their text alone, hold all values of another. */
import { holdsAll } from "../../../../core/values/conversion.ts";
import { isText } from "../../../../core/values/kinds.ts";
import type { Field } from "../../../../models/field.ts";
import { longestText } from "../../type_name.ts";
import { nativeType } from "./type_mapper.ts";
import { parseTypeName, type TypeName } from "./type_name.ts";

/** Types, besides itself, that hold every value of a type, whatever its length or precision. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  int2: ["int4", "int8", "float4", "float8"],
  int4: ["int8", "float8"],
  float4: ["float8"],
  varchar: ["text"],
  name: ["text"],
  uuid: ["text"],
  cidr: ["inet"],
  date: ["timestamp"],
  int4range: ["int8range", "numrange"],
  int8range: ["numrange"],
  int4multirange: ["int8multirange", "nummultirange"],
  int8multirange: ["nummultirange"],
};

/** Types whose one argument is digits of the second, and how many they have without it. */
const CLOCKS: ReadonlySet<string> = new Set(["time", "timetz", "timestamp", "timestamptz"]);
const MICROS_DIGITS = 6;
export const INTEGERS: Readonly<Record<string, "int16" | "int32" | "int64">> = {
  int2: "int16",
  int4: "int32",
  int8: "int64",
};

/** Whether a type, other than the same one, holds every value of another; of arrays, their elements. */
export function isWider(from: string, to: string): boolean {
  const [narrow, wide] = [parseTypeName(from), parseTypeName(to)];
  if (narrow.array !== wide.array) return false;
  if (WIDER[narrow.base]?.includes(wide.base)) return wide.args.length === 0;
  if (wide.base === "numeric") return numericWidens(narrow, wide);
  if (wide.base === "varbit") {
    return ["bit", "varbit"].includes(narrow.base) && lengthWidens(narrow, wide);
  }
  if (wide.base === "interval" && wide.args.length === 0) return /^interval\b/.test(narrow.base);
  if (narrow.base !== wide.base) return false;
  if (CLOCKS.has(wide.base)) {
    return (narrow.args[0] ?? MICROS_DIGITS) <= (wide.args[0] ?? MICROS_DIGITS);
  }
  return wide.base === "varchar" && lengthWidens(narrow, wide);
}

/** The type in which a column of text takes the longest texts of a field; undefined where it takes them. */
export function lengthenText(field: Field, column: { readonly type: string }): string | undefined {
  const { base, array, args: [size] } = parseTypeName(column.type);
  const length = longestText(field);
  if (!isText(field.dtype) || array || size === undefined || length === undefined) return undefined;
  if (!["varchar", "bpchar"].includes(base) || length <= size) return undefined;
  if (!isFinite(length)) return "text";
  const isPadded = base === "bpchar" && parseTypeName(nativeType(field) ?? "").base === base;
  return `${isPadded ? "character" : "character varying"}(${length})`;
}

function lengthWidens(narrow: TypeName, wide: TypeName): boolean {
  const [most, length] = [wide.args[0], narrow.args[0]];
  return most === undefined || (length !== undefined && length <= most);
}

function numericWidens({ base, args: [digits, part = 0] }: TypeName, wide: TypeName): boolean {
  const integer = INTEGERS[base];
  if (integer === undefined && base !== "numeric") return false;
  const [precision, scale = 0] = wide.args;
  if (precision === undefined) return true;
  const to = { dtype: "decimal", precision, scale } as const;
  if (integer !== undefined) return holdsAll({ dtype: integer }, to);
  return digits !== undefined && holdsAll({ dtype: "decimal", precision: digits, scale: part }, to);
}
