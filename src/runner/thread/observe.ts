/** Watches an extraction on its way to the stage. */
import { byteLength, firstNull, maxOf, nullCounts } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ExtractorError, ValidationError, ValueError } from "../../core/errors.ts";
import type { Extraction } from "../../core/proof.ts";
import type { Transform } from "../../core/transform.ts";
import { compareValues, type Value } from "../../core/values.ts";
import type { Field } from "../../models/field.ts";
import { breathe } from "../../core/breathe.ts";

export interface Watch {
  /** Fields before the transforms. */
  readonly fields: readonly Field[];
  readonly transforms: readonly Transform[];
  /** Name of the watermark field, and whether a NULL in it is an error. */
  readonly watermark?: { readonly field: string; readonly refuseNull: boolean };
  readonly signal: AbortSignal;
  /** Hears of each batch. */
  onProgress(rows: number, bytes: number): void;
}

/** What was seen so far; `max` is the highest watermark, `nulls` counts the missing ones. */
export interface Seen {
  rows: number;
  bytes: number;
  max: Value;
  nulls: number;
}

/**
 * The same batches, checked against the fields and transformed, and the same proof.
 *
 * @throws {ValidationError} for a NULL in a field that has none
 */
export async function* observe(
  batches: Extraction<Batch>,
  watch: Watch,
  seen: Seen,
): Extraction<Batch> {
  const column = watch.fields.findIndex(({ name }) => name === watch.watermark?.field);
  try {
    while (true) {
      await breathe();
      watch.signal.throwIfAborted();
      const next = await batches.next();
      if (next.done === true) return next.value;
      refuseNulls(next.value, watch, column, seen.rows);
      if (column >= 0) {
        seen.max = higher(seen.max, next.value, column, watch.fields[column]!);
        seen.nulls += nullCounts(next.value)[column]!;
      }
      const [rows, bytes] = [next.value.numRows, byteLength(next.value)];
      seen.rows += rows;
      seen.bytes += bytes;
      watch.onProgress(rows, bytes);
      let batch = next.value;
      for (const transform of watch.transforms) batch = await transform.apply(batch);
      yield batch;
    }
  } finally {
    // After an error or an early stop the source must let go of its connection.
    await batches.return(undefined as never);
  }
}

function refuseNulls(batch: Batch, watch: Watch, watermark: number, rowsBefore: number): void {
  if (batch.data.children.length !== watch.fields.length) {
    throw new ExtractorError(
      `Cannot stage a batch of ${batch.data.children.length} columns: expected ${watch.fields.length}`,
    );
  }
  nullCounts(batch).forEach((count, i) => {
    if (count === 0) return;
    const { name, nullable } = watch.fields[i]!;
    const row = rowsBefore + firstNull(batch, i) + 1;
    if (!nullable) {
      throw new ValueError("expected a value, the field is not nullable", name, row, null);
    }
    if (i === watermark && watch.watermark!.refuseNull) {
      throw new ValidationError(
        `Cannot tell whether row ${row} is new: watermark field "${name}" is NULL, set extract.null_watermark to include or exclude such rows`,
      );
    }
  });
}

function higher(max: Value, batch: Batch, column: number, field: Field): Value {
  const value = maxOf(batch, column, field);
  if (value === null) return max;
  return max === null || compareValues(value, max, field.dtype) > 0 ? value : max;
}
