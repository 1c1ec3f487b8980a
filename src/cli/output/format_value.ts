/** Values of records, for people and for programs. */
import { formatValue, JSONText, type Value } from "../../core/values/values.ts";

/** What a table shows for NULL; a text that could be taken for it stands in quotes. */
export const NULL = "NULL";

const AMBIGUOUS = /^$|^NULL$|^"|^\s|\s$/;

/** A value as a cell shows it. */
export function cellText(value: Value): string {
  if (value === null) return NULL;
  if (value instanceof Uint8Array) return `0x${value.toHex()}`;
  if (typeof value !== "string") return formatValue(value);
  return AMBIGUOUS.test(value) ? JSON.stringify(value) : value;
}

/**
 * A value as JSON that loses nothing: integers of 64 bits and decimals are strings of their digits,
 * NaN and the infinities are strings, binary is hexadecimal, JSON is what it was.
 */
export function jsonOf(value: Value): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (value instanceof JSONText) return value.text;
  if (typeof value === "number" && Number.isFinite(value)) {
    return Object.is(value, -0) ? "-0" : String(value);
  }
  return JSON.stringify(formatValue(value));
}

/** A record as a JSON object, its fields in their order. */
export function jsonRecord(names: readonly string[], row: readonly Value[]): string {
  return `{${names.map((name, i) => `${JSON.stringify(name)}:${jsonOf(row[i]!)}`).join(",")}}`;
}
