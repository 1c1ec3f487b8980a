/**
 * Columns → values of COPY's text format, for the types that have no binary encoder here: the server's
 * own input functions read them.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 (Text Format)
 */
import { type Data, textReader } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import { parseText, plainDecimal } from "../../../core/values.ts";
import type { Field } from "../../../models/field.ts";
import { arrayLiteral } from "./array_literal.ts";
import type { TableColumn } from "./catalogue.ts";
import type { CopyWriter } from "./copy_writer.ts";
import { serverDate, serverText } from "./dialect.ts";
import { type Fit, naturalField } from "./fit.ts";
import { parseTypeName } from "./type_name.ts";

const NULL = "\\N";
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

/** A writer of one column of a batch, NULLs included. */
export function textColumn(
  fit: Fit,
  field: Field,
  column: TableColumn,
  data: Data,
): (row: number, out: CopyWriter) => void {
  const read = textReader(field, data);
  const convert = converterOf(fit, field, column);
  return (row, out) => {
    const text = read(row);
    out.text(text === null ? NULL : convert(text).replace(/[\\\t\n\r]/g, (c) => ESCAPES[c]!));
  };
}

/** From the text of `arrow/text.ts` to the text that the server reads. */
function converterOf(fit: Fit, field: Field, column: TableColumn): (text: string) => string {
  if (fit.how === "array") return arrayConverter(field, column);
  if (fit.how === "checked") return checkedConverter(field, column);
  switch (field.dtype) {
    case "binary":
      return (text) => `\\x${text}`;
    case "date":
    case "timestamp":
    case "timestamp_tz":
      return serverDate;
    default:
      return (text) => text;
  }
}

const TEXT_ELEMENTS: ReadonlySet<string> = new Set(["text", "varchar", "bpchar", "name"]);

function arrayConverter(field: Field, column: TableColumn): (text: string) => string {
  const strings = TEXT_ELEMENTS.has(parseTypeName(column.type).base);
  return (text) => {
    const literal = arrayLiteral(text, strings);
    if (literal !== undefined) return literal;
    // A string may be an array literal already, which the server reads.
    if (field.dtype === "string") return text;
    throw new ValueError(`expected a JSON array for ${column.type}`, field.name, undefined, text);
  };
}

/** Reads the value as the dtype that the column is by nature: exactly that, or an error. */
function checkedConverter(field: Field, column: TableColumn): (text: string) => string {
  const natural = naturalField(field, column);
  const float = field.dtype === "float32" || field.dtype === "float64";
  if (natural.dtype === "array") return arrayConverter(field, column);
  return (text) =>
    serverText(parseText(float && text !== "" ? plainFloat(text, natural) : text, natural));
}

/** A double for a decimal column in plain digits, without an exponent. */
function plainFloat(text: string, natural: Field): string {
  return natural.dtype === "decimal" && Number.isFinite(Number(text))
    ? plainDecimal(Number(text))
    : text;
}
