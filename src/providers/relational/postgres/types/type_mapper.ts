/**
 * PostgreSQL's types and the 21 of dxt.
 *
 * | PostgreSQL                          | dxt                          | in the stage                        |
 * | ----------------------------------- | ---------------------------- | ----------------------------------- |
 * | smallint, integer, bigint           | int16, int32, int64          |                                     |
 * | real, double precision              | float32, float64             | NaN, ±Infinity and -0 kept          |
 * | numeric(p,s), p ≤ 76, 0 ≤ s ≤ p     | decimal(p,s)                 | NaN and ±Infinity are refused       |
 * | numeric, other numeric(p,s)         | string, a number             | all digits, NaN, Infinity           |
 * | char, varchar, text, name, citext   | string                       | blanks of char(n) as the server has |
 * | boolean                             | bool                         |                                     |
 * | date                                | date                         | ±infinity kept                      |
 * | time                                | time                         | 24:00:00 is refused                 |
 * | timestamp, timestamptz              | timestamp, timestamp_tz      | µs, ±infinity kept                  |
 * | bytea                               | binary                       |                                     |
 * | json, jsonb                         | json                         | the text that the server has        |
 * | arrays of bool, integers, floats,   | array                        | JSON: numbers with all their        |
 * | numeric, text, uuid, dates, times   |                              | digits, NaN as "NaN"; arrays that   |
 * |                                     |                              | do not begin at 1 are refused       |
 * | other arrays                        | string                       | array literal                       |
 * | interval                            | string                       | ISO 8601                            |
 * | uuid, enums, ranges, inet, cidr,    | string                       | the server's text, under the        |
 * | macaddr, xml, money (locale C),     |                              | settings of `session_settings.ts`           |
 * | bit, timetz, tsvector, geometric,   |                              |                                     |
 * | oid, regclass, composite types,     |                              |                                     |
 * | types of extensions                 |                              |                                     |
 *
 * A float32 in a column of double precision is the same number, 0.10000000149011612 for 0.1; as text
 * it has its own digits, 0.1.
 * A domain is its base type. What is refused here can be moved as text: `dtype: string`.
 * A field keeps its native type in `source_type`, so that another PostgreSQL gets the very same one.
 */
import { TypeMappingError } from "../../../../core/errors.ts";
import {
  isUnbounded,
  type MappedType,
  type TypeMapper,
  UNBOUNDED_NUMBER,
  UUID,
} from "../../../../core/contracts/type_mapper.ts";
import type { DXTType } from "../../../../models/dtype.ts";
import type { Element, Field } from "../../../../models/field.ts";
import { decimalType, nativeTypes } from "../../type_name.ts";
import { parseTypeName } from "./type_name.ts";

export const { sourceType, nativeType } = nativeTypes("postgres");

const FROM: Readonly<Record<string, DXTType>> = {
  int2: "int16",
  int4: "int32",
  int8: "int64",
  float4: "float32",
  float8: "float64",
  bool: "bool",
  date: "date",
  time: "time",
  timestamp: "timestamp",
  timestamptz: "timestamp_tz",
  bytea: "binary",
  json: "json",
  jsonb: "json",
};

/** Types whose values, as elements, JSON tells apart from one another and from NULL. */
const JSON_ELEMENTS: ReadonlySet<string> = new Set([
  ...["bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar"],
  ...["name", "uuid", "date", "time", "timestamp", "timestamptz"],
]);

const TO: Readonly<Record<DXTType, string>> = {
  int8: "smallint",
  int16: "smallint",
  int32: "integer",
  int64: "bigint",
  uint8: "smallint",
  uint16: "integer",
  uint32: "bigint",
  uint64: "numeric(20,0)",
  float32: "real",
  float64: "double precision",
  decimal: "numeric",
  string: "text",
  bool: "boolean",
  date: "date",
  time: "time without time zone",
  timestamp: "timestamp without time zone",
  timestamp_tz: "timestamp with time zone",
  binary: "bytea",
  // jsonb reorders keys and drops duplicates: json keeps the text.
  json: "json",
  array: "json",
  object: "json",
};

export function fromSource(nativeType: string): MappedType {
  if (nativeType.trim() === "") {
    throw new TypeMappingError('Cannot map PostgreSQL type "": a type has a name');
  }
  const { base, args, array } = parseTypeName(nativeType);
  if (array) {
    if (!JSON_ELEMENTS.has(base)) return { dtype: "string", order: "none" };
    const element = typeElement(base, args);
    return element === undefined ? { dtype: "array" } : { dtype: "array", element };
  }
  if (base === "numeric") return decimalType(args) ?? UNBOUNDED_NUMBER;
  if (base === "uuid") return UUID;
  const dtype = FROM[base];
  if (dtype !== undefined) return { dtype };
  if (SORTS_AS_TEXT.has(base)) return { dtype: "string" };
  return { dtype: "string", order: SORTS_BY_RULE.has(base) ? "native" : "none" };
}

/** The type of an array's elements; undefined for numbers without bounds. */
function typeElement(base: string, args: readonly number[]): Element | undefined {
  if (base === "numeric") return decimalType(args);
  return base === "uuid" ? { dtype: "string", uuid: true } : { dtype: FROM[base] ?? "string" };
}

/** Text, and types whose order is that of their text by its code points. */
const SORTS_AS_TEXT: ReadonlySet<string> = new Set([
  ...["text", "varchar", "bpchar", "name", "citext", '"char"', "unknown"],
]);

/**
 * Types with a rule of their own that each server has. Not enums, whose order is declared; not what
 * extensions and users define.
 */
const SORTS_BY_RULE: ReadonlySet<string> = new Set([
  ...["interval", "inet", "cidr", "macaddr", "macaddr8", "money", "bit", "varbit", "timetz"],
  ...["oid", "xid8", "pg_lsn"],
]);

/** The type that dxt makes for a field's dtype, whatever the field says besides. */
export function typeOfDtype(field: Field): string {
  if (isUnbounded(field)) return "numeric";
  const { dtype, precision = 38, scale = 0 } = field;
  return dtype === "decimal" ? `numeric(${precision},${scale})` : TO[dtype];
}

export const typeMapper: TypeMapper = {
  fromSource,
  toTarget: (field) => field.target_type ?? nativeType(field) ?? typeOfDtype(field),
};
