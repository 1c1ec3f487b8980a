/** Checks batches on their way to the stage, finds their highest watermark, and transforms them. */
import {
  byteLength,
  filterBatch,
  firstNull,
  measureWatermarks,
  nullCounts,
  nullTest,
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
import { formatRow, type RejectedRecords } from "./rejected/rejected_records.ts";

export interface Watch {
  /** Fields before the transforms. */
  readonly fields: readonly Field[];
  readonly transforms: readonly Transform[];
  readonly watermark?: WatermarkWatch;
  /** Takes the rows that break a check or that a transform refuses; unset, the first one is an error. */
  readonly rejections?: RejectedRecords | undefined;
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
      if (next.done === true) return checkProof(next.value, watch.rejections);
      refuseOther(next.value);
      const batch = checkNulls(next.value, watch, column, stats.rows);
      if (column >= 0) noteWatermarks(batch, column, watch, stats);
      const [rows, bytes] = [next.value.numRows, byteLength(next.value)];
      stats.rows += rows;
      stats.bytes += bytes;
      watch.onProgress(rows, bytes);
      if (batch.numRows > 0) yield* transformRows(batch, watch);
    }
  } finally {
    // After an error or an early stop, the source must release its connection.
    await batches.return(undefined as never);
  }
}

/** Yields a batch after the transforms, without the rows that they refuse. */
async function* transformRows(
  batch: Batch,
  watch: Watch,
): AsyncGenerator<Batch, void, void> {
  const { transforms, rejections, signal, fields } = watch;
  let after = batch;
  try {
    for (const transform of transforms) after = await transform.apply(after);
  } catch (error) {
    if (signal.aborted || rejections?.takesThrown(error) !== true) throw error;
    if (batch.numRows === 1) {
      return rejections.rejectThrown(error, { record: formatRow(batch, fields)(0) });
    }
    const middle = batch.numRows >> 1;
    yield* transformRows(filterBatch(batch, (row) => row < middle), watch);
    yield* transformRows(filterBatch(batch, (row) => row >= middle), watch);
    return;
  }
  yield after;
}

/** Only the runner counts rejected records: an extractor may be untrusted code. */
function checkProof(proof: unknown, rejections: RejectedRecords | undefined): CompletionProof {
  const { rows, evidence } = (proof ?? {}) as Partial<CompletionProof>;
  if (Number.isSafeInteger(rows) && rows! >= 0 && typeof evidence === "string") {
    return { rows: rows!, evidence, rejected: rejections?.total };
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

/** Returns the batch without the rows that are rejected for a NULL. */
function checkNulls(batch: Batch, watch: Watch, watermark: number, rowsBefore: number): Batch {
  if (batch.data.children.length !== watch.fields.length) {
    throw new ExtractorError(
      `Cannot stage a batch of ${batch.data.children.length} columns: expected ${watch.fields.length}`,
    );
  }
  let kept = batch;
  nullCounts(batch).forEach((count, i) => {
    if (count === 0) return;
    const { name, nullable } = watch.fields[i]!;
    const row = rowsBefore + firstNull(batch, i) + 1;
    if (!nullable) {
      const error = new ValueError("expected a value, the field is not nullable", name, row, null);
      if (watch.rejections?.takesValue(error) !== true) throw error;
      kept = rejectNulls(kept, i, error, watch as Watch & { rejections: RejectedRecords });
    } else if (i === watermark && watch.watermark!.refuseNull) {
      throw new ValidationError(
        `Cannot tell whether row ${row} is new: watermark field "${name}" is NULL, set extract.null_watermark to include or exclude such rows`,
      );
    }
  });
  return kept;
}

function rejectNulls(
  batch: Batch,
  column: number,
  error: ValueError,
  { fields, rejections }: Watch & { readonly rejections: RejectedRecords },
): Batch {
  const format = formatRow(batch, fields);
  const isMissing = nullTest(batch, column);
  const missing = new Set<number>();
  for (let row = 0; row < batch.numRows; row++) if (isMissing(row)) missing.add(row);
  for (const row of missing) rejections.rejectRow(error, { record: format(row) });
  return filterBatch(batch, (row) => !missing.has(row));
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
