/**
 * Fields as files keep them. Parquet and Arrow have no number without bounds: it becomes the decimal
 * that holds all staged values, with the scale that they have, and text only where none does.
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

/** Whether a field's type in a file is known only when all of its values are. */
export function isOpen({ number }: Field, format: Format): boolean {
  return number === true && TYPED.has(format);
}

/**
 * The fields of staged records in a file of a format, or in one that is there.
 *
 * @throws {SchemaError} for a number that the file's decimal does not hold
 */
export async function toFileFields(
  connector: Pick<FilestoreConnector, "warn">,
  staged: Pick<StagedData, "fields" | "scanBatches">,
  format: Format,
  existing?: FileFields,
): Promise<readonly Field[]> {
  if (!staged.fields.some((field) => isOpen(field, format))) return staged.fields;
  const measured = await measureNumbers(staged);
  return staged.fields.map((field) => {
    const digits = measured.get(field.name);
    if (digits === undefined) return field;
    const there = existing?.fields.find(({ name }) => name === field.name);
    if (there !== undefined) return inExisting(field, there, digits, existing!.file);
    const filed = inNew(field, digits);
    if (filed.dtype === "string") {
      connector.warn(
        `Field "${field.name}" is text in the ${format} file, which sorts as text: ${
          whyText(digits)
        }; ${declareHint(field)}`,
      );
    }
    return filed;
  });
}

/** The field in a new file. */
function inNew(field: Field, digits: NumberDigits): Field {
  if (digits.decimal === undefined) return field;
  const { number: _number, ...rest } = field;
  return { ...rest, dtype: "decimal", ...digits.decimal };
}

function whyText({ other, whole, needed }: NumberDigits): string {
  return other === undefined
    ? `its values need ${whole} digits before and ${needed} after the point, decimals have at most ${MAX_DECIMAL_PRECISION}`
    : `"${other}" is no decimal`;
}

/** The field in a file that has it, whose type stays as long as it holds all values. */
function inExisting(field: Field, there: Field, digits: NumberDigits, file: string): Field {
  if (there.dtype !== "decimal") return field;
  const { precision = 38, scale = 0 } = there;
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

/** A batch of staged fields as one of the file's, after `before` rows. */
export function toFileBatch(
  batch: Batch,
  staged: readonly Field[],
  filed: readonly Field[],
  before: number,
): Batch {
  if (staged === filed) return batch;
  try {
    const columns = filed.map((field, i) => {
      const data = batch.data.children[i]!;
      return field.dtype === "decimal" && staged[i]!.dtype === "string"
        ? convertToDecimals(data, field)
        : data;
    });
    return wrapBatch(arrowSchema(filed), columns, batch.numRows);
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(before + error.row!) : error;
  }
}
