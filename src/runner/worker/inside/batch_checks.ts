/** Checks batches on their way to the stage, finds their highest watermark, and transforms them. */
import {
  byteLength,
  firstNull,
  measureWatermarks,
  nullCounts,
  valueReader,
  type Watermarks,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ExtractorError, ValidationError, ValueError } from "../../../core/errors.ts";
import type { CompletionProof, Extraction } from "../../../core/contracts/proof.ts";
import type { Transform } from "../../../core/contracts/transform.ts";
import { compareInOrder } from "../../../core/values/value_order.ts";
import { formatValue } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import { yieldToEventLoop } from "../../../core/event_loop.ts";
import type { ExtractStats } from "../extract_spec.ts";
import { isFuture } from "../../plan/watermark.ts";

export interface Watch {
  /** Fields before the transforms. */
  readonly fields: readonly Field[];
  readonly transforms: readonly Transform[];
  readonly watermark?: WatermarkWatch;
  readonly signal: AbortSignal;
  /** Called with the size of each batch. */
  onProgress(rows: number, bytes: number): void;
}

export interface WatermarkWatch {
  /** Name of the watermark field. */
  readonly field: string;
  /** Whether NULL, NaN and infinity in it are errors. */
  readonly refuseNull: boolean;
  /** Names of the fields that identify a record, as far as they are known. */
  readonly keys: readonly string[];
}

/**
 * Yields the batches after checks and transforms, and returns their proof.
 *
 * @throws {ValidationError} for NULL in a field that is not nullable
 * @throws {ExtractorError} for a value that is no batch or no proof, since an extractor may be untrusted code
 */
export async function* checkBatches(
  batches: Extraction<Batch>,
  watch: Watch,
  stats: ExtractStats,
): Extraction<Batch> {
  const column = watch.fields.findIndex(({ name }) => name === watch.watermark?.field);
  try {
    while (true) {
      await yieldToEventLoop();
      watch.signal.throwIfAborted();
      const next = await batches.next();
      if (next.done === true) return checkProof(next.value);
      refuseOther(next.value);
      refuseNulls(next.value, watch, column, stats.rows);
      if (column >= 0) noteWatermarks(next.value, column, watch, stats);
      const [rows, bytes] = [next.value.numRows, byteLength(next.value)];
      stats.rows += rows;
      stats.bytes += bytes;
      watch.onProgress(rows, bytes);
      let batch = next.value;
      for (const transform of watch.transforms) batch = await transform.apply(batch);
      yield batch;
    }
  } finally {
    // After an error or an early stop, the source must release its connection.
    await batches.return(undefined as never);
  }
}

function checkProof(proof: unknown): CompletionProof {
  const { rows, evidence } = (proof ?? {}) as Partial<CompletionProof>;
  if (Number.isSafeInteger(rows) && rows! >= 0 && typeof evidence === "string") {
    return proof as CompletionProof;
  }
  throw new ExtractorError(
    `Cannot tell whether the extraction is complete: its extractor returned ${
      describeKind(proof)
    }, expected a completion proof { rows, evidence }`,
  );
}

function refuseOther(batch: unknown): void {
  if (Array.isArray((batch as Partial<Batch> | null | undefined)?.data?.children)) return;
  throw new ExtractorError(
    `Cannot stage what the extractor yielded, ${
      describeKind(batch)
    }: expected a batch, as the functions of "dxt" build it from records`,
  );
}

function describeKind(value: unknown): string {
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  const keys = Object.keys(value).slice(0, 8);
  return keys.length === 0 ? "an object without keys" : `an object with ${keys.join(", ")}`;
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

function noteWatermarks(batch: Batch, column: number, watch: Watch, stats: ExtractStats): void {
  const field = watch.fields[column]!;
  stats.nulls += nullCounts(batch)[column]!;
  // Only the source's system knows how these compare.
  if (field.order === "native") return;
  const found = measureWatermarks(batch, column, field);
  const { max, unordered } = found;
  if (unordered > 0) {
    if (watch.watermark!.refuseNull) refusePlaceless(batch, column, found, watch, stats.rows);
    stats.nulls += unordered;
    stats.placeless += unordered;
  }
  if (max === null) return;
  if (stats.max !== null && compareInOrder(max, stats.max, field) <= 0) return;
  stats.max = max;
  if (isFuture(max, field, Temporal.Now.instant())) {
    stats.key = formatKey(batch, found.row, watch);
  }
}

function refusePlaceless(
  batch: Batch,
  column: number,
  { firstUnordered }: Watermarks,
  { fields }: Watch,
  rowsBefore: number,
): never {
  const field = fields[column]!;
  const value = valueReader(field, batch.data.children[column]!)(firstUnordered);
  throw new ValidationError(
    `Cannot tell whether row ${rowsBefore + firstUnordered + 1} is new: watermark field "${
      fields[column]!.name
    }" is "${
      formatValue(value!)
    }", which counts as NULL, set extract.null_watermark to include or exclude such rows`,
  );
}

/** The key of a row in words; empty where none is known. */
function formatKey(batch: Batch, row: number, { fields, watermark }: Watch): string {
  return fields.flatMap((field, i) => {
    if (!watermark!.keys.includes(field.name)) return [];
    const value = valueReader(field, batch.data.children[i]!)(row);
    return [`${field.name} "${value === null ? "NULL" : formatValue(value)}"`];
  }).join(", ");
}
