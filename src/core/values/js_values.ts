/** Values as an API or a script has them: numbers, text, JSON. */
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import { JSONText, parseText, plainDecimal, type Value } from "./values.ts";

/**
 * A value of a field from what JavaScript or JSON has in its place: text where the field is a date, a
 * time, a number or binary (hexadecimal digits); a number where it is a decimal; a Date where it is a
 * timestamp_tz; anything where it is json. What is the field's own kind of value stays as it is, and
 * what fits in no way too: whoever writes it refuses it, with field and row.
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

/** Fields that records as of JSON have, in the order in which they are first seen, all nullable. */
export function fieldsOf(records: Iterable<Readonly<Record<string, unknown>>>): Field[] {
  const kinds = new Map<string, Set<DXTType>>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const seen = kinds.get(name) ?? new Set();
      kinds.set(name, seen);
      if (value !== null && value !== undefined) seen.add(typeOf(value));
    }
  }
  return Array.from(kinds, ([name, seen]) => ({
    name,
    dtype: common([...seen]),
    nullable: true,
    inferred: true,
  }));
}

function typeOf(value: unknown): DXTType {
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

/** The type that holds all values: whole numbers are doubles among doubles, the rest is JSON. */
function common(types: readonly DXTType[]): DXTType {
  const [only = "json", other] = types;
  if (other === undefined) return only;
  return types.every((type) => type === "int64" || type === "float64") ? "float64" : "json";
}
