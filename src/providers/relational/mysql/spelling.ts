/** How columns spell values, and which totals SQL computes of them as dxt does. */
import { isIntegerType } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import type { TotalName } from "../contract.ts";
import type { MySQLColumn } from "./catalog.ts";
import { sourceType, typeMapper, typeWord } from "./type_mapper.ts";

/** How a column spells the values of a field in its own way; undefined where they read back unchanged. */
export function describeSpelling(field: Field, { type }: MySQLColumn): string | undefined {
  if (field.source_type === sourceType(type)) return undefined;
  const word = typeWord(type);
  if (["json", "set", "uuid", "inet4", "inet6"].includes(word)) {
    return `${word} has its own spelling of a value`;
  }
  return undefined;
}

/** The totals that the server computes of a column as dxt does of the field. */
export function chooseTotals(field: Field, column: MySQLColumn): readonly TotalName[] {
  if (describeSpelling(field, column) !== undefined) return [];
  const natural = typeMapper.fromSource(column.type).dtype;
  const isNumber = isIntegerType(field.dtype) || field.dtype === "decimal";
  if (isNumber) {
    return isIntegerType(natural) || natural === "decimal" ? ["min", "max", "sum"] : [];
  }
  if (natural !== field.dtype) return [];
  if (field.dtype === "string" || field.dtype === "binary") return ["sum"];
  return ["date", "timestamp", "timestamp_tz"].includes(field.dtype) ? ["min", "max"] : [];
}
