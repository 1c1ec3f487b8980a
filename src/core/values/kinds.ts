/** Kinds of types. Values of one kind have the same form, so that most code needs only the kind. */
import type { DXTType } from "../../models/dtype.ts";

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
