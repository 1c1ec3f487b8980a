/**
 * Types of fields in Parquet and Arrow files, which have no unbounded numbers. An unbounded number
 * becomes the decimal that holds all staged values with their scale, or text if none does. Text added to
 * a column of UUIDs must be UUIDs, and UUIDs added to a column of text become text; the same holds for
 * lists and JSON.
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
import { type FileFields, isStoredAlike } from "../source/fields.ts";
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
  const changes = (field: Field) => isOpen(field, format) || !isKept(field, findColumn(field));
  if (!staged.fields.some(changes)) return staged.fields;
  const measured = await measureNumbers(staged);
  return staged.fields.map((field) => {
    const digits = measured.get(field.name);
    const column = findColumn(field);
    if (digits === undefined) return fitStored(field, column, format);
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

/** Whether the column, if it exists, stores values as the field would. */
function isKept(field: Field, column: Field | undefined): boolean {
  return column === undefined || isStoredAlike(field, column);
}

/** The field as UUIDs or lists if an existing Parquet file stores these, else as text or JSON. */
function fitStored(field: Field, column: Field | undefined, format: Format): Field {
  if (column === undefined || isStoredAlike(field, column)) return field;
  const { uuid: _uuid, element: _element, ...rest } = field;
  if (format !== "parquet") return rest;
  const { uuid, element } = column;
  return {
    ...rest,
    ...(uuid === undefined ? {} : { uuid }),
    ...(element === undefined ? {} : { element }),
  };
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
