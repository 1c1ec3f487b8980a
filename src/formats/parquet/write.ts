/** The bytes of a file, for whoever keeps them. */
import type { Batch } from "../../core/batch.ts";
import type { WriteRequest } from "../format.ts";
import { ParquetEncoder } from "./encoder.ts";

/**
 * @throws {ConfigurationError} for a compression that Parquet does not have
 * @throws {ValueError} for a NULL in a field that is not nullable
 */
export async function* parquetBytes(
  batches: AsyncIterable<Batch>,
  request: WriteRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = new ParquetEncoder(request.fields, request);
  for await (const batch of batches) {
    // The encoder's buffers are used again.
    for (const bytes of encoder.add(batch)) yield bytes.slice();
  }
  for (const bytes of encoder.end()) yield bytes.slice();
}
