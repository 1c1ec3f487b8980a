/** How columns spell values, and which totals SQL computes of them as dxt does. */
import { hasSpellings } from "../../../../core/values/kinds.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import type { TotalName } from "../../contract.ts";
import type { TableColumn } from "../sql/catalog.ts";
import { isReadBack } from "../../load/loaded_rows.ts";
import { TEXT } from "./server_check.ts";
import { fromSource, nativeType } from "./type_mapper.ts";
import { parseTypeName } from "./type_name.ts";

const INTEGERS: ReadonlySet<string> = new Set(["int2", "int4", "int8"]);

/**
 * How a column has the values of a field in its own way: spelled differently, or as another type, which they are not
 * read back from. Undefined where they read back unchanged.
 */
export function describeSpelling(field: Field, column: TableColumn): string | undefined {
  if (isSpelled(field, column)) return `${column.type} has its own spelling of a value`;
  return isReadBack(field.dtype, fromSource(column.type))
    ? undefined
    : `it is ${column.type} there`;
}

function isSpelled(field: Field, column: TableColumn): boolean {
  const { base, array } = parseTypeName(column.type);
  const natural = fromSource(column.type);
  if (nativeType(field) === column.type) {
    // They may have been a list in a file on the way.
    return natural.element !== undefined && hasSpellings(natural.element);
  }
  if (array || base === "jsonb" || base === "bpchar") return true;
  if (TEXT.has(base) || column.kind === "e") return false;
  if (base === "numeric" && field.dtype === "string") return true;
  return natural.dtype === "string";
}

/** The totals that the server computes of a column as dxt does of the field. */
export function chooseTotals(field: Field, column: TableColumn): readonly TotalName[] {
  const { base, array } = parseTypeName(column.type);
  if (array || isSpelled(field, column)) return [];
  const isNumber = isIntegerType(field.dtype) || field.dtype === "decimal";
  if (isNumber) return INTEGERS.has(base) || base === "numeric" ? ["min", "max", "sum"] : [];
  if (fromSource(column.type).dtype !== field.dtype) return [];
  switch (field.dtype) {
    case "string":
      return TEXT.has(base) ? ["sum"] : [];
    case "binary":
      return ["sum"];
    case "float32":
    case "float64":
    case "date":
    case "time":
    case "timestamp":
    case "timestamp_tz":
      return ["min", "max"];
    default:
      return [];
  }
}
