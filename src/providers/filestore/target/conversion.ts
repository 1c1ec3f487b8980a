/**
 * What becomes of a field's values in a file. Parquet and Arrow say each field's type. In the others
 * text reads back as the same value when it is read as the same type, which another reader has to be
 * told: so all is widened there but what the format itself has.
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

/** What JSON itself has, without being told. */
const JSON_OWN: ReadonlySet<DXTType> = new Set(["string", "bool", "json", "array", "object"]);

export function typeInFile(field: Field, format: Format): { type: string; conversion: Conversion } {
  const { dtype } = field;
  if (isOpen(field, format)) {
    const note = `a decimal with the digits that the values need, or text where none holds them; ${
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
