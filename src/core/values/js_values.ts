/** Converts values of JavaScript and JSON, as APIs and drivers return them, to values of fields. */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import { JSONText, parseText, plainDecimal, type Value } from "./values.ts";

/**
 * Converts a JavaScript value to a value of a field: text to a date, time, number or binary
 * (hexadecimal digits); a number to a decimal; a Date to a timestamp_tz; anything to json. Values of
 * the right type are returned unchanged. So are unconvertible ones: the column builder rejects them
 * with field and row.
 *
 * @throws {ValueError} for text that is not of the field's type
 */
export function valueOf(value: unknown, field: Field): Value {
  if (value === null || value === undefined) return null;
  switch (field.dtype) {
    case "json":
    case "array":
    case "object":
      return value instanceof JSONText ? value : JSONText.of(value);
    case "string":
      return value as Value;
    case "decimal":
      return typeof value === "number"
        ? plainDecimal(value)
        : typeof value === "bigint"
        ? String(value)
        : value as Value;
    case "timestamp_tz":
      if (value instanceof Date) return value.toTemporalInstant();
  }
  return typeof value === "string" ? parseText(value, field) : value as Value;
}

/** Any value as text, also one that no field can hold; null for none. */
export function describeValue(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return value.toHex();
  if (value instanceof JSONText) return value.text;
  if (typeof value !== "object") return String(value);
  try {
    return String(JSON.stringify(value));
  } catch {
    return String(value);
  }
}

/** Infers fields from JSON records, in order of first occurrence, all nullable. */
export function fieldsOf(records: Iterable<Readonly<Record<string, unknown>>>): Field[] {
  const kinds = new Map<string, Set<DXTType>>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const seen = kinds.get(name) ?? new Set();
      kinds.set(name, seen);
      if (value !== null && value !== undefined) seen.add(inferType(value));
    }
  }
  return Array.from(kinds, ([name, seen]) => ({
    name,
    dtype: commonType([...seen]),
    nullable: true,
    inferred: true,
  }));
}

function inferType(value: unknown): DXTType {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "number":
      return Number.isSafeInteger(value) ? "int64" : "float64";
    case "bigint":
      return "int64";
    case "string":
      return "string";
    default:
      return "json";
  }
}

/** The type that holds all values: float64 for mixed numbers, json for any other mix. */
function commonType(types: readonly DXTType[]): DXTType {
  const [only = "json", other] = types;
  if (other === undefined) return only;
  return types.every((type) => type === "int64" || type === "float64") ? "float64" : "json";
}
