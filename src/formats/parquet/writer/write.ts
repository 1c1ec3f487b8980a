/** Writes a Parquet file as chunks of bytes that the caller may keep. */
import type { Batch } from "../../../core/contracts/batch.ts";
import type { WriteRequest } from "../../format.ts";
import { ParquetEncoder } from "./encoder.ts";

/** Encoders that have finished a file, to be reused for the next file of the same request. */
const idle = new WeakMap<WriteRequest, ParquetEncoder>();

/**
 * Encodes batches as a Parquet file.
 *
 * @throws {ConfigurationError} for a compression that Parquet does not support
 * @throws {ValueError} for a NULL in a field that is not nullable
 */
export async function* writeParquet(
  batches: AsyncIterable<Batch>,
  request: WriteRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = idle.get(request) ?? new ParquetEncoder(request.fields, request);
  idle.delete(request);
  const own = (bytes: Uint8Array) => request.recycle === true ? bytes : bytes.slice();
  for await (const batch of batches) {
    for (const bytes of encoder.add(batch)) yield own(bytes);
  }
  for (const bytes of encoder.end()) yield own(bytes);
  idle.set(request, encoder);
}
