/** Kinds of types. Values of one kind have the same form, so that most code needs only the kind. */
import type { DXTType } from "../../models/dtype.ts";
import type { Element } from "../../models/field.ts";

const KINDS = {
  int8: "integer",
  int16: "integer",
  int32: "integer",
  uint8: "integer",
  uint16: "integer",
  uint32: "integer",
  int64: "long",
  uint64: "long",
  float32: "float",
  float64: "float",
  decimal: "decimal",
  string: "string",
  bool: "bool",
  date: "date",
  time: "time",
  timestamp: "timestamp",
  timestamp_tz: "timestamp",
  binary: "binary",
  json: "json",
  array: "json",
  object: "json",
} as const satisfies Readonly<Record<DXTType, string>>;

/** An `integer` has at most 32 bits and is a number in records; a `long` has 64 bits and is a bigint. */
export type Kind = (typeof KINDS)[DXTType];

export function classifyType(dtype: DXTType): Kind {
  return KINDS[dtype];
}

export function isNumeric(dtype: DXTType): boolean {
  return ["integer", "long", "float", "decimal"].includes(KINDS[dtype]);
}

/** Whether the values of a type are texts in Arrow: strings and JSON. */
export function isText(dtype: DXTType): boolean {
  return KINDS[dtype] === "string" || KINDS[dtype] === "json";
}

/** Whether the values of a type are texts of JSON. */
export function isJSONType(dtype: DXTType): boolean {
  return KINDS[dtype] === "json";
}

/**
 * Whether systems spell an element of this type differently in the JSON of an array: PostgreSQL writes 16777216 as
 * 1.6777216e+07, and UTC as +00:00 instead of Z.
 */
export function hasSpellings({ dtype }: Element): boolean {
  return KINDS[dtype] === "float" || dtype === "timestamp_tz";
}
