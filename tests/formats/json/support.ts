/** Files in memory that come in chunks of any size. */
import type { Projection } from "../../../src/core/contracts/extractor.ts";
import { type DXTRecord, JSONText } from "../../../src/core/values/values.ts";
import { buildBatches, readRecords } from "../../../src/arrow/mod.ts";
import type { FileFormat, FileInput } from "../../../src/formats/format.ts";
import { fileInput } from "../../support/file_input.ts";
import type { Field } from "../../../src/models/field.ts";
import type { FormatOptions } from "../../../src/models/format.ts";
import { ValidationError } from "../../../src/core/errors.ts";
import { findMistake } from "../../../src/formats/json/syntax/parse.ts";

/** A file of text or bytes that comes in chunks of a size. */
export function inputOf(content: string | Uint8Array, chunk = 65_536, name = "test"): FileInput {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return fileInput(bytes, { chunk, name });
}

export type Column = Field | (Field & { readonly column: string });

/** All records of a file, read as the fields say. */
export async function readAll(
  format: FileFormat,
  input: FileInput,
  columns: readonly Column[],
  options: FormatOptions = {},
): Promise<DXTRecord[]> {
  const records: DXTRecord[] = [];
  const batches = format.read(input, {
    projections: columns.map(projectionOf),
    batchRows: 1000,
    batchBytes: 1 << 20,
    compression: "none",
    options,
  });
  for await (const batch of batches) records.push(...readRecords(batch));
  return records;
}

function projectionOf(given: Column): Projection {
  if (!("column" in given)) return { field: given, column: given.name };
  const { column, ...field } = given;
  return { field, column };
}

export async function writeAll(
  format: FileFormat,
  fields: readonly Field[],
  records: readonly DXTRecord[],
  options: FormatOptions = {},
): Promise<Uint8Array> {
  const batches = buildBatches(fields, records, { rows: 100, bytes: 1 << 20 });
  const chunks: Uint8Array[] = [];
  for await (const chunk of format.write(batches, { fields, compression: "none", options })) {
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

export const inferAll = (format: FileFormat, content: string, options: FormatOptions = {}) =>
  format.inferFields(inputOf(content), { compression: "none", options });

/** A nullable field. */
export const field = (name: string, dtype: Field["dtype"], more: Partial<Field> = {}): Field => ({
  name,
  dtype,
  nullable: true,
  ...more,
});

/**
 * Validates JSON of any kind with the scanner of the readers, and keeps its text.
 *
 * @throws {ValidationError} when it is not valid UTF-8 or JSON, or is nested more than 512 deep
 */
export function parseJSONText(bytes: Uint8Array): JSONText {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ValidationError("Cannot parse JSON: the bytes are not valid UTF-8");
  }
  const checked = new TextEncoder().encode(`${text}\0`);
  const mistake = findMistake(checked, 0, checked.length - 1);
  if (mistake !== undefined) throw new ValidationError(`Cannot parse JSON: ${mistake}`);
  return new JSONText(text);
}
