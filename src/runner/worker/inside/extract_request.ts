/** Builds the extractor's task, and the checks and transforms of its batches, in the worker. */
import { createExtractTask } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { ExtractTask, Part, RecordRejections } from "../../../core/contracts/extractor.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import { parseText } from "../../../core/values/values.ts";
import type { Transform } from "../../../core/contracts/transform.ts";
import { constantFields, currentTimestamp } from "../../../transforms/generated.ts";
import type { ExtractSpec, ExtractStats } from "../extract_spec.ts";
import { checkBatches } from "./batch_checks.ts";
import type { RejectedRecords } from "./rejected/rejected_records.ts";

/** The extractor's task: all that is requested, or one part of it. */
export function buildTask(
  request: ExtractSpec["request"],
  signal: AbortSignal,
  part?: Part,
  rejections?: RecordRejections,
): ExtractTask {
  const task = { ...request, ...(part === undefined ? {} : { part }), signal };
  return createExtractTask(task, rejections);
}

/** What watches an extraction, and transforms its batches. */
export interface ReadWatch {
  readonly signal: AbortSignal;
  onProgress(rows: number, bytes: number): void;
  readonly transform?: Transform;
  readonly rejections?: RejectedRecords | undefined;
}

/** The batches of an extraction as they are staged: checked, transformed and counted on their way. */
export function readBatches(
  batches: Extraction<Batch>,
  spec: ExtractSpec,
  { signal, onProgress, transform, rejections }: ReadWatch,
  stats: ExtractStats,
): Extraction<Batch> {
  const { request: { projections, range }, refuseNull, keys = [] } = spec;
  return checkBatches(batches, {
    fields: projections.map(({ field }) => field),
    transforms: [...transform === undefined ? [] : [transform], ...generatedBy(spec)],
    ...(range === undefined ? {} : { watermark: { field: range.field, refuseNull, keys } }),
    rejections,
    signal,
    onProgress,
  }, stats);
}

function generatedBy({ generated, constants = {}, startedAt }: ExtractSpec): Transform[] {
  if (generated.length === 0) return [];
  return [constantFields(generated.map((field) => {
    const constant = Object.hasOwn(constants, field.name) ? constants[field.name] : undefined;
    const value = constant === undefined
      ? currentTimestamp(field, startedAt)
      : parseText(constant, field);
    return { field, value };
  }))];
}
