/**
 * Parquet, read and written row group by row group.
 * Format: https://parquet.apache.org/docs/file-format/
 */
import {
  arrowSchema,
  batchesFromIPC,
  canonicalFields,
  canonicaliser,
  schemaFromIPC,
  splitBatch,
} from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { DXTError, messageOf, ValidationError } from "../../core/errors.ts";
import type { Projection } from "../../core/extractor.ts";
import type { FileFormat, FileInput, ReadRequest, WriteRequest } from "../format.ts";
import { openParquet } from "./read.ts";
import { parquetBytes } from "./write.ts";

/** Errors of the library become typed; those of the input, and ours, stay. */
function malformed(input: FileInput, error: unknown): unknown {
  if (error instanceof DXTError) return error;
  return new ValidationError(
    `Cannot read "${input.name}" as Parquet: ${messageOf(error)}`,
    { cause: error },
  );
}

const parquet: FileFormat = {
  name: "parquet",
  extension: "parquet",
  compressions: ["zstd", "snappy", "gzip", "none"],
  optionKeys: ["row_group_rows"],

  async inferFields(input: FileInput) {
    try {
      await using file = await openParquet(input);
      return canonicalFields(schemaFromIPC(file.schemaIPC()));
    } catch (error) {
      throw malformed(input, error);
    }
  },

  async *read(input: FileInput, request: ReadRequest) {
    try {
      await using file = await openParquet(input);
      const whole = schemaFromIPC(file.schemaIPC());
      const columns = wantedColumns(whole.names as string[], request.projections);
      const schema = columns === undefined ? whole : whole.select(columns);
      const canonical = canonicaliser(schema, request.projections);
      const { batchRows, batchBytes } = request;
      let rows = 0;
      for await (const ipc of file.batches({ batchRows, ...(columns && { columns }) })) {
        for (const batch of batchesFromIPC(ipc)) {
          rows += batch.numRows;
          yield* splitBatch(canonical(batch), { rows: batchRows, bytes: batchBytes });
        }
      }
      if (rows !== file.rows) {
        throw new ValidationError(
          `Cannot read "${input.name}" as Parquet: its footer tells ${file.rows} rows, it has ${rows}`,
        );
      }
    } catch (error) {
      throw malformed(input, error);
    }
  },

  write(batches: AsyncIterable<Batch>, request: WriteRequest) {
    return parquetBytes(arrowSchema(request.fields), batches, request);
  },
};

export default parquet;

/**
 * Columns to read, in the file's order; undefined for all of them. A name with a dot would be taken
 * for a path into a nested column, and a file without rows may be asked for no column at all.
 */
function wantedColumns(
  names: readonly string[],
  projections: readonly Projection[],
): string[] | undefined {
  const wanted = new Set(projections.map(({ column, field }) => column ?? field.name));
  const columns = names.filter((name) => wanted.has(name));
  const plain = columns.every((name) => /^\w+$/.test(name));
  const found = columns.length === wanted.size;
  return plain && found && columns.length > 0 && columns.length < names.length
    ? columns
    : undefined;
}
