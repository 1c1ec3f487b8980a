/** A Parquet file of records outside of any stage, such as one of a fixture. */
import type { Batch } from "../core/contracts/batch.ts";
import { loadFormat } from "../formats/mod.ts";
import type { Field } from "../models/field.ts";
import { writeFile, type Written } from "./durable_file.ts";

/**
 * Writes batches into a new file, and returns its size and digest. The file knows the fields as they are.
 *
 * @throws {BufferError} for an error of the system, such as a full disk
 * @throws {ValueError} for a NULL in a field that is not nullable
 */
export async function writeRecordFile(
  path: string,
  fields: readonly Field[],
  batches: AsyncIterable<Batch>,
): Promise<Written> {
  const format = await loadFormat("parquet");
  return await writeFile(path, format.write(batches, { fields, compression: "zstd", options: {} }));
}
