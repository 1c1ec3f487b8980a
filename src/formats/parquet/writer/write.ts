/** The bytes of a file, for whoever keeps them. */
import type { Batch } from "../../../core/contracts/batch.ts";
import type { WriteRequest } from "../../format.ts";
import { ParquetEncoder } from "./encoder.ts";

/** Encoders that have ended a file. */
const idle = new WeakMap<WriteRequest, ParquetEncoder>();

/**
 * @throws {ConfigurationError} for a compression that Parquet does not have
 * @throws {ValueError} for a NULL in a field that is not nullable
 */
export async function* parquetBytes(
  batches: AsyncIterable<Batch>,
  request: WriteRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = idle.get(request) ?? new ParquetEncoder(request.fields, request);
  idle.delete(request);
  const kept = (bytes: Uint8Array) => request.recycle === true ? bytes : bytes.slice();
  for await (const batch of batches) {
    for (const bytes of encoder.add(batch)) yield kept(bytes);
  }
  for (const bytes of encoder.end()) yield kept(bytes);
  idle.set(request, encoder);
}
