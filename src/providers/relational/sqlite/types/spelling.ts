/** How columns spell values, and which totals SQL computes of them as dxt does. */
import { isText } from "../../../../core/values/kinds.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import type { TotalName } from "../../contract.ts";
import { findAffinity } from "./type_mapper.ts";

/**
 * How a column has the values of a field in its own way: spelled differently, or as another type, which they are not
 * read back from. Undefined where they read back unchanged.
 */
export function describeSpelling(field: Field, declared: string): string | undefined {
  const { dtype, number } = field;
  const affinity = findAffinity(declared);
  const isInteger = isIntegerType(dtype) && dtype !== "uint64";
  const isNumber = isInteger || dtype === "bool" || dtype.startsWith("float");
  if (affinity === "text" && isNumber) return "it is text there";
  if (affinity === "real" && isInteger) return "it is a real number there";
  const keepsText = affinity === "text" || affinity === "none";
  if (keepsText || (!isText(dtype) && number !== true)) return undefined;
  return "a number has one spelling in SQLite";
}

/**
 * The totals that SQLite computes of a column as dxt does of the field. Decimals are doubles to it, a sum of
 * 64-bit integers may exceed them, and dates are text.
 */
export function chooseTotals(field: Field, declared: string): readonly TotalName[] {
  const affinity = findAffinity(declared);
  const isExact = affinity === "integer" || affinity === "numeric";
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      return isExact ? ["min", "max", "sum"] : [];
    case "int64":
      return isExact ? ["min", "max"] : [];
    case "string":
    case "binary":
      return affinity === "text" || affinity === "none" ? ["sum"] : [];
    default:
      return [];
  }
}
