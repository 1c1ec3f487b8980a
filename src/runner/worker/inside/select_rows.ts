/** Selects rows of an extraction, whose completion proof then proves the selected ones. */
import { filterBatch } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ExtractorError } from "../../../core/errors.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import { KeyTable } from "../../../integrity/diff/key_table.ts";
import { RowHasher } from "../../../integrity/diff/row_hashes.ts";
import type { Field } from "../../../models/field.ts";
import type { RowSelection } from "../extract_spec.ts";

/**
 * Yields the batches of an extraction.
 *
 * @throws {ExtractorError} at the end when the source proves another number of rows than were received
 */
export async function* verifyReceived(batches: Extraction<Batch>): Extraction<Batch> {
  let received = 0;
  try {
    for (;;) {
      const next = await batches.next();
      if (next.done !== true) {
        received += next.value.numRows;
        yield next.value;
        continue;
      }
      const { rows, evidence } = next.value;
      if (rows === received) return next.value;
      throw new ExtractorError(
        `Cannot read all rows: the source reports ${rows} (${evidence}), but ${received} were received`,
      );
    }
  } finally {
    await batches.return(undefined as never);
  }
}

/** Yields the selected rows of an extraction, and their number as proof. */
export async function* selectRows(
  batches: Extraction<Batch>,
  fields: readonly Field[],
  { keys, hashes }: RowSelection,
): Extraction<Batch> {
  const table = new KeyTable(0);
  for (let at = 0; at < hashes.length; at += 2) table.add(hashes[at]!, hashes[at + 1]!);
  const hasher = new RowHasher(fields, [], keys);
  const all = verifyReceived(batches);
  let selected = 0;
  try {
    for (;;) {
      const next = await all.next();
      if (next.done === true) {
        return { rows: selected, evidence: `${selected} rows by key of ${next.value.evidence}` };
      }
      const words = hasher.hashKeys(next.value);
      const batch = filterBatch(
        next.value,
        (row) => table.find(words[2 * row]!, words[2 * row + 1]!) >= 0,
      );
      selected += batch.numRows;
      if (batch.numRows > 0) yield batch;
    }
  } finally {
    await all.return(undefined as never);
  }
}
