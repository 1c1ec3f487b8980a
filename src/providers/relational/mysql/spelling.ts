/** How columns spell values, and which totals SQL computes of them as dxt does. */
import { isIntegerType } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import type { TotalName } from "../contract.ts";
import { isReadBack } from "../load/loaded_rows.ts";
import type { MySQLColumn } from "./catalog.ts";
import { sourceType, typeMapper, typeWord } from "./type_mapper.ts";

/**
 * How a column has the values of a field in its own way: spelled differently, or as another type, which they are not
 * read back from. Undefined where they read back unchanged.
 */
export function describeSpelling(field: Field, column: MySQLColumn): string | undefined {
  if (isSpelled(field, column)) return `${typeWord(column.type)} has its own spelling of a value`;
  const natural = typeMapper.fromSource(column.type);
  return isReadBack(field.dtype, natural) ? undefined : `it is ${column.type} there`;
}

const SPELLED: ReadonlySet<string> = new Set(["json", "set", "uuid", "inet4", "inet6"]);

function isSpelled({ source_type }: Field, { type }: MySQLColumn): boolean {
  return source_type !== sourceType(type) && SPELLED.has(typeWord(type));
}

/** The totals that the server computes of a column as dxt does of the field. */
export function chooseTotals(field: Field, column: MySQLColumn): readonly TotalName[] {
  if (isSpelled(field, column)) return [];
  const natural = typeMapper.fromSource(column.type).dtype;
  const isNumber = isIntegerType(field.dtype) || field.dtype === "decimal";
  if (isNumber) {
    return isIntegerType(natural) || natural === "decimal" ? ["min", "max", "sum"] : [];
  }
  if (field.dtype === "timestamp_tz" && natural === "timestamp") return ["min", "max"];
  if (natural !== field.dtype) return [];
  if (field.dtype === "string" || field.dtype === "binary") return ["sum"];
  return ["date", "timestamp", "timestamp_tz"].includes(field.dtype) ? ["min", "max"] : [];
}
