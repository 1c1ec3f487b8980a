/** What reading a file of anyone comes down to. */
import type { Schema } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import type { FileInput } from "../format.ts";
import { readFooter } from "./footer.ts";
import { isOwn, openOwn } from "./own.ts";

export interface ParquetReader {
  /** Schema of the columns that were asked for, in the file's order. */
  readonly schema: Schema;
  /** Columns annotated as JSON, by name. */
  readonly json: ReadonlySet<string>;
  /** Batches that are hardly larger: `splitBatch` makes the rest of them so. */
  batches(batchRows: number, batchBytes: number): AsyncGenerator<Batch, void, void>;
}

/**
 * Opens some columns of a file, or all.
 *
 * @throws {ValidationError} when the footer is malformed
 * @throws {SchemaError} when a column is missing or ambiguous
 */
export async function openParquet(
  input: FileInput,
  names?: readonly string[],
): Promise<ParquetReader> {
  const footer = await readFooter(input);
  if (isOwn(footer)) return openOwn(input, footer, names);
  // The library is large, and a stage never needs it.
  const { openForeign } = await import("./read.ts");
  return openForeign(input, footer, names);
}
