/** Batches → the first rows, as values. */
import { valueReaders } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";

/** At most `limit` rows of values in the order of the fields; reads no further. */
export async function firstRows(
  batches: AsyncIterable<Batch>,
  fields: readonly Field[],
  limit: number,
): Promise<Value[][]> {
  const rows: Value[][] = [];
  for await (const batch of batches) {
    const readers = valueReaders(batch, fields);
    for (let row = 0; row < batch.numRows && rows.length < limit; row++) {
      rows.push(readers.map((read) => read(row)));
    }
    if (rows.length >= limit) break;
  }
  return rows;
}
