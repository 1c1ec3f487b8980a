/** Formats values of records, as table cells for people and as JSON for programs. */
import { formatValue, JSONText, type Value } from "../../core/values/values.ts";
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";

/** NULL in a table. Text that could be mistaken for it is quoted. */
export const NULL = "NULL";

const AMBIGUOUS = /^$|^NULL$|^"|^\s|\s$/;

/** A value as text of a table cell. */
export function cellText(value: Value, dtype?: DXTType): string {
  if (value === null) return NULL;
  if (value instanceof Uint8Array) return `0x${value.toHex()}`;
  if (typeof value !== "string") return formatValue(value, dtype);
  return AMBIGUOUS.test(value) ? JSON.stringify(value) : value;
}

/**
 * A value as lossless JSON. 64-bit integers, decimals, NaN and infinities are strings, binary is
 * hexadecimal, and JSON keeps its text.
 */
export function toJSON(value: Value, dtype?: DXTType): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof JSONText) return value.text;
  if (typeof value === "number" && Number.isFinite(value)) {
    return formatValue(value, dtype);
  }
  return JSON.stringify(formatValue(value));
}

/** A record as a JSON object, with its fields in order. */
export function jsonRecord(fields: readonly Field[], row: readonly Value[]): string {
  const members = fields.map(({ name, dtype }, i) =>
    `${JSON.stringify(name)}:${toJSON(row[i]!, dtype)}`
  );
  return `{${members.join(",")}}`;
}
