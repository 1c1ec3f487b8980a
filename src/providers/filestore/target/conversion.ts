/**
 * Conversions of fields to file formats. Parquet and Arrow store field types. In the others, values
 * read back unchanged only if the reader is told the type; all but the format's own types count as
 * widened there.
 */
import { type Conversion, EXACT, typeText, WIDENED } from "../../../core/values/conversion.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import type { Format } from "../../../models/format.ts";
import { declareHint } from "../../../formats/inference/number_columns.ts";
import { TYPED } from "../source/file.ts";
import { isOpen } from "./file_fields.ts";

const JSON_TYPES: Readonly<Record<DXTType, string>> = {
  int8: "number",
  int16: "number",
  int32: "number",
  int64: "number",
  uint8: "number",
  uint16: "number",
  uint32: "number",
  uint64: "number",
  float32: "number",
  float64: "number",
  decimal: "number",
  string: "string",
  bool: "boolean",
  date: "string",
  time: "string",
  timestamp: "string",
  timestamp_tz: "string",
  binary: "string",
  json: "value",
  array: "array",
  object: "object",
};

/** Types that JSON itself has. */
const JSON_OWN: ReadonlySet<DXTType> = new Set(["string", "bool", "json", "array", "object"]);

export function typeInFile(field: Field, format: Format): { type: string; conversion: Conversion } {
  const { dtype } = field;
  if (isOpen(field, format)) {
    const note =
      `a decimal with the digits that the values need, or text if no decimal holds them; ${
        declareHint(field)
      }`;
    return { type: "decimal", conversion: { ...WIDENED, note } };
  }
  if (TYPED.has(format)) return { type: typeText(field), conversion: EXACT };
  if (format === "csv" || format === "tsv") {
    return { type: "text", conversion: dtype === "string" ? EXACT : WIDENED };
  }
  if (field.number === true) return { type: JSON_TYPES.decimal, conversion: WIDENED };
  return { type: JSON_TYPES[dtype], conversion: JSON_OWN.has(dtype) ? EXACT : WIDENED };
}
