/** Which fields which columns can take without loss, and how their values go there. */
import { holdsAll } from "../../../../core/values/conversion.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import type { LoadColumn as RelationalColumn } from "../../column_match.ts";
import type { TableColumn } from "../sql/catalog.ts";
import { isStrict, TEXT } from "./server_check.ts";
import { parseTypeName, type TypeName } from "./type_name.ts";
import { fromSource, nativeType } from "./type_mapper.ts";
import { INTEGERS, isWider } from "./widening.ts";

/**
 * How values travel: as the bytes of a binary type, as text that the server parses, as an array literal, or
 * as text that dxt parses first, as the column's own dtype, since the pipeline declares that column type.
 */
export type ColumnEncoding =
  | { readonly how: "binary"; readonly as: string }
  | { readonly how: "text" | "array" | "checked" };

export type LoadColumn = RelationalColumn<TableColumn, ColumnEncoding>;

/** The column types, by dtype, that hold the very same values. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  float32: ["float4", "float8"],
  float64: ["float8"],
  bool: ["bool"],
  date: ["date"],
  time: ["time"],
  timestamp: ["timestamp"],
  timestamp_tz: ["timestamptz"],
  binary: ["bytea"],
  json: ["json", "jsonb", "text", "varchar"],
  array: ["json", "jsonb", "text", "varchar"],
  object: ["json", "jsonb", "text", "varchar"],
};

const binary = (as: string): ColumnEncoding => ({ how: "binary", as });

/** @returns undefined when the column cannot take every value of the field, and that is not accepted */
export function chooseEncoding(
  field: Field,
  column: TableColumn,
  accept = false,
): ColumnEncoding | undefined {
  return encodingFor(field, column, parseTypeName(column.type)) ??
    (accept || field.target_type !== undefined ? { how: "checked" } : undefined);
}

/** How a column takes every value of a field that is within its limits. */
export function encodingFor(
  field: Field,
  column: TableColumn,
  type: TypeName,
): ColumnEncoding | undefined {
  const { dtype } = field;
  const { base, array } = type;
  if (array) return arrayFit(field, column);
  if (isIntegerType(dtype) || dtype === "decimal") return numberFit(field, type);
  if (dtype === "string") return stringFit(field, column, type);
  if (!SAME[dtype]?.includes(base)) return undefined;
  return binary(TEXT.has(base) || base === "json" ? "text" : base);
}

/** Compares integers by their range, and decimals, or integers in a numeric, by their digits. */
function numberFit(
  field: Field,
  { base, args: [precision, scale = 0] }: TypeName,
): ColumnEncoding | undefined {
  const integer = INTEGERS[base];
  const fits = integer !== undefined
    ? isIntegerType(field.dtype) && holdsAll(field, { dtype: integer })
    : base === "numeric" &&
      (precision === undefined || holdsAll(field, { dtype: "decimal", precision, scale }));
  return fits ? binary(base) : undefined;
}

function stringFit(field: Field, column: TableColumn, type: TypeName): ColumnEncoding | undefined {
  // In its binary form the server would take XML for bytes in the encoding that it declares.
  if (type.base === "xml" && nativeType(field) !== "xml") return { how: "text" };
  if (column.kind === "e" || TEXT.has(type.base)) return binary("text");
  if (type.base === "uuid") return binary("uuid");
  const isNumber = field.number === true || isServerNumeric(field);
  const isKept = holdsText(field, column) || (isNumber && column.type === "numeric");
  if (fromSource(column.type).dtype !== "string" || !isKept) return undefined;
  return type.base === "numeric" && isNumber ? binary("numeric") : { how: "text" };
}

/** Whether the server keeps or refuses the text of every value; other types may round or cut some. */
function holdsText(field: Field, column: TableColumn): boolean {
  const native = nativeType(field);
  if ([native, field.target_type].includes(column.type)) return true;
  return isStrict(field, column) || (native !== undefined && isWider(native, column.type));
}

/** Whether the text is what the server prints of a numeric, which is read here. */
function isServerNumeric(field: Field): boolean {
  const native = nativeType(field);
  return native !== undefined && parseTypeName(native).base === "numeric" &&
    !parseTypeName(native).array;
}

function arrayFit(field: Field, column: TableColumn): ColumnEncoding | undefined {
  const natural = fromSource(column.type).dtype;
  if (field.dtype !== natural) return undefined;
  const native = nativeType(field);
  const same = [native, field.target_type].includes(column.type) ||
    (native !== undefined && isWider(native, column.type));
  if (natural === "string") return same ? { how: "text" } : undefined;
  // Elements of any JSON array are read here, and held against the limits of the column.
  return same || native === undefined || !parseTypeName(native).array
    ? { how: "array" }
    : undefined;
}

/** The field that a column's type is by nature, under the name of the field that goes there. */
export function naturalField(field: Field, column: TableColumn): Field {
  return { name: field.name, ...fromSource(column.type), nullable: field.nullable };
}
