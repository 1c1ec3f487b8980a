/** Rows of values → a Parquet file. Loaded on first use, since it loads Arrow. */
import { arrowSchema, buildBatch, createColumn, valuePusher } from "../../arrow/mod.ts";
import { writeRecordFile } from "../../buffers/record_file.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { BATCH_ROWS } from "../worker/extract_spec.ts";

/**
 * Writes a new file, and returns the SHA-256 of its bytes in hexadecimal.
 *
 * @param rows values in the order of the fields
 */
export async function writeRows(
  path: string,
  fields: readonly Field[],
  rows: readonly (readonly Value[])[],
): Promise<string> {
  return (await writeRecordFile(path, fields, toBatches(fields, rows))).sha256;
}

async function* toBatches(
  fields: readonly Field[],
  rows: readonly (readonly Value[])[],
): AsyncGenerator<Batch, void, void> {
  const schema = arrowSchema(fields);
  for (let from = 0; from < rows.length; from += BATCH_ROWS) {
    const columns = fields.map(createColumn);
    const push = fields.map((field, i) => valuePusher(field, columns[i]!));
    for (const row of rows.slice(from, from + BATCH_ROWS)) {
      row.forEach((value, i) => push[i]!(value));
    }
    yield await Promise.resolve(buildBatch(schema, columns));
  }
}
