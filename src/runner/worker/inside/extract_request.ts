/** What is read of a stream, where it is read. */
import { createExtractTask } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { ExtractTask, RecordExtractor } from "../../../core/contracts/extractor.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import { parseText } from "../../../core/values/values.ts";
import type { Transform } from "../../../core/contracts/transform.ts";
import { constantFields, currentTimestamp } from "../../../transforms/generated.ts";
import type { ExtractSpec, Seen } from "../extract_spec.ts";
import { checkBatches } from "./batch_checks.ts";

/** What is asked of the source. */
export function buildTask(reading: ExtractSpec, signal: AbortSignal): ExtractTask {
  const { source, projections, range, part, limit, batchRows, batchBytes, recycle, complete } =
    reading;
  const { excluded } = reading;
  return createExtractTask({
    source,
    projections,
    ...(range === undefined ? {} : { range }),
    ...(part === undefined ? {} : { part }),
    ...(limit === undefined ? {} : { limit }),
    batchRows,
    batchBytes,
    recycle,
    complete,
    excluded,
    signal,
  });
}

/** What watches a reading, and transforms it. */
export interface ReadWatch {
  readonly signal: AbortSignal;
  onProgress(rows: number, bytes: number): void;
  readonly transform?: Transform;
}

/** The batches of a reading as they are staged, watched on their way. */
export function read(
  extractor: RecordExtractor,
  reading: ExtractSpec,
  { signal, onProgress, transform }: ReadWatch,
  seen: Seen,
): Extraction<Batch> {
  const { projections, range, refuseNull, keys = [] } = reading;
  return checkBatches(extractor.extract(buildTask(reading, signal)), {
    fields: projections.map(({ field }) => field),
    transforms: [...transform === undefined ? [] : [transform], ...generatedBy(reading)],
    ...(range === undefined ? {} : { watermark: { field: range.field, refuseNull, keys } }),
    signal,
    onProgress,
  }, seen);
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
