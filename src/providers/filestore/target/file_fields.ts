/**
 * Types of fields in Parquet and Arrow files, which have no unbounded numbers. An unbounded number
 * becomes the decimal that holds all staged values with their scale, or text if none does. Text added to
 * a column of UUIDs must be UUIDs, and UUIDs added to a column of text become text.
 */
import { arrowSchema, wrapBatch } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import { SchemaError, ValueError } from "../../../core/errors.ts";
import type { StagedData } from "../../../core/contracts/buffer.ts";
import { MAX_DECIMAL_PRECISION } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import type { Format } from "../../../models/format.ts";
import {
  convertToDecimals,
  declareHint,
  measureNumbers,
  NumberDigits,
} from "../../../formats/inference/number_columns.ts";
import type { FileFields } from "../source/fields.ts";
import { TYPED } from "../source/file.ts";

/** Whether the type of a field in a file depends on its values. */
export function isOpen({ number }: Field, format: Format): boolean {
  return number === true && TYPED.has(format);
}

/**
 * The fields of staged records in a new file, or in an existing one.
 *
 * @returns the staged fields themselves where none changes
 * @throws {SchemaError} for a number that the decimal of the existing file cannot hold
 */
export async function toFileFields(
  connector: Pick<FilestoreConnector, "warn">,
  staged: Pick<StagedData, "fields" | "scanBatches">,
  format: Format,
  existing?: FileFields,
): Promise<readonly Field[]> {
  if (!TYPED.has(format)) return staged.fields;
  const findColumn = ({ name }: Field) => existing?.fields.find((column) => column.name === name);
  const changes = (field: Field) =>
    isOpen(field, format) || !holdsSameText(field, findColumn(field));
  if (!staged.fields.some(changes)) return staged.fields;
  const measured = await measureNumbers(staged);
  return staged.fields.map((field) => {
    const digits = measured.get(field.name);
    const column = findColumn(field);
    if (digits === undefined) return fitText(field, column, format);
    if (column !== undefined) return fitExisting(field, column, digits, existing!.file);
    const fileField = withMeasuredType(field, digits);
    if (fileField.dtype === "string") {
      connector.warn(
        `Field "${field.name}" is text in the ${format} file, which sorts as text: ${
          explainText(digits)
        }; ${declareHint(field)}`,
      );
    }
    return fileField;
  });
}

/** Whether both are UUIDs or neither is; true for a column that does not exist. */
function holdsSameText(field: Field, column: Field | undefined): boolean {
  return column === undefined || column.uuid === field.uuid;
}

/** The field as UUIDs if the existing column stores their bytes, else as any text. */
function fitText(field: Field, column: Field | undefined, format: Format): Field {
  if (holdsSameText(field, column)) return field;
  const { uuid: _uuid, ...text } = field;
  return column!.uuid === true && format === "parquet" ? { ...text, uuid: true } : text;
}

/** The field in a new file. */
function withMeasuredType(field: Field, digits: NumberDigits): Field {
  if (digits.decimal === undefined) return field;
  const { number: _number, ...rest } = field;
  return { ...rest, dtype: "decimal", ...digits.decimal };
}

function explainText({ other, whole, needed }: NumberDigits): string {
  return other === undefined
    ? `its values need ${whole} digits before and ${needed} after the point, decimals have at most ${MAX_DECIMAL_PRECISION}`
    : `"${other}" is not a decimal`;
}

/** The field with the type of its column in an existing file, which must hold all values. */
function fitExisting(field: Field, column: Field, digits: NumberDigits, file: string): Field {
  if (column.dtype !== "decimal") return field;
  const { precision = 38, scale = 0 } = column;
  const { other, whole, needed } = digits;
  if (other === undefined && needed <= scale && whole <= precision - scale) {
    const { number: _number, ...rest } = field;
    return { ...rest, dtype: "decimal", precision, scale };
  }
  const what = other === undefined
    ? `staged values need ${whole} digits before and ${needed} after the point`
    : `a staged value is "${other}"`;
  throw new SchemaError(
    `Cannot add to "${file}": column "${field.name}" is decimal(${precision},${scale}), ${what}; load mode replace takes what they need, or ${
      declareHint(field)
    }`,
  );
}

/** Converts a batch of staged fields to the file's fields; `before` counts the rows before it. */
export function toFileBatch(
  batch: Batch,
  staged: readonly Field[],
  fileFields: readonly Field[],
  before: number,
): Batch {
  if (staged === fileFields) return batch;
  try {
    const columns = fileFields.map((field, i) => {
      const data = batch.data.children[i]!;
      return field.dtype === "decimal" && staged[i]!.dtype === "string"
        ? convertToDecimals(data, field)
        : data;
    });
    return wrapBatch(arrowSchema(fileFields), columns, batch.numRows);
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(before + error.row!) : error;
  }
}
