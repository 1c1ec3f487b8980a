/** What is read of a stream, in a form that another thread can take. */
import { taskOf } from "../arrow/mod.ts";
import type { Batch } from "../core/batch.ts";
import type { WatermarkRange } from "../core/connector.ts";
import type { ExtractTask, Part, Projection, RecordExtractor } from "../core/extractor.ts";
import type { Extraction } from "../core/proof.ts";
import type { Transform } from "../core/transform.ts";
import { parseText, textOf } from "../core/values.ts";
import type { Field } from "../models/field.ts";
import type { StreamSource } from "../models/source.ts";
import { constantFields, currentTimestamp } from "../transforms/generated.ts";
import { observe, type Seen } from "./observe.ts";

/** Rows and bytes of a batch where a pipeline does not say. */
export const BATCH_ROWS = 8_192;
export const BATCH_BYTES = 16 * 1024 * 1024;

export interface Reading {
  readonly source: StreamSource;
  readonly projections: readonly Projection[];
  /** Fields that the stream's transforms make of those of the projections; unset without any. */
  readonly transformed?: readonly Field[];
  readonly range?: WatermarkRange;
  readonly part?: Part;
  readonly limit?: number;
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Fields that dxt adds, and the start of the run that their values come from. */
  readonly generated: readonly Field[];
  readonly startedAt: Temporal.Instant;
  /** Whether a NULL watermark is an error. */
  readonly refuseNull: boolean;
  /** Whether batches are done with when the next is asked for. */
  readonly recycle: boolean;
}

/** Fields of the stage. */
export function stagedFields(
  { projections, transformed, generated }: Pick<
    Reading,
    "projections" | "transformed" | "generated"
  >,
): Field[] {
  return [...transformed ?? projections.map(({ field }) => field), ...generated];
}

/** What is asked of the source. */
export function requestOf(reading: Reading, signal: AbortSignal): ExtractTask {
  const { source, projections, range, part, limit, batchRows, batchBytes, recycle } = reading;
  return taskOf({
    source,
    projections,
    ...(range === undefined ? {} : { range }),
    ...(part === undefined ? {} : { part }),
    ...(limit === undefined ? {} : { limit }),
    batchRows,
    batchBytes,
    recycle,
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
  reading: Reading,
  { signal, onProgress, transform }: ReadWatch,
  seen: Seen,
): Extraction<Batch> {
  const { projections, range, refuseNull } = reading;
  return observe(extractor.extract(requestOf(reading, signal)), {
    fields: projections.map(({ field }) => field),
    transforms: [...transform === undefined ? [] : [transform], ...generatedBy(reading)],
    ...(range === undefined ? {} : { watermark: { field: range.field, refuseNull } }),
    signal,
    onProgress,
  }, seen);
}

function generatedBy({ generated, startedAt }: Reading): Transform[] {
  if (generated.length === 0) return [];
  return [constantFields(
    generated.map((field) => ({ field, value: currentTimestamp(field, startedAt) })),
  )];
}

/** A reading as plain data: values are text, to be read again as their field. */
export type PlainReading = Omit<Reading, "range" | "startedAt"> & {
  readonly startedAt: string;
  readonly range?: PlainRange;
};

type PlainRange = Pick<WatermarkRange, "field" | "nulls"> & {
  readonly after?: PlainBound;
  readonly upTo?: PlainBound;
};

interface PlainBound {
  readonly value: string;
  readonly inclusive: boolean;
}

export function toPlain({ range, startedAt, ...reading }: Reading): PlainReading {
  const bound = (of: WatermarkRange["after"]) =>
    of === undefined ? undefined : { value: textOf(of.value), inclusive: of.inclusive };
  return {
    ...reading,
    startedAt: startedAt.toString(),
    ...(range === undefined ? {} : { range: mapBounds(range, bound) }),
  };
}

export function fromPlain({ range, startedAt, ...reading }: PlainReading): Reading {
  const field = range && reading.projections.find((p) => p.field.name === range.field)!.field;
  const bound = (of: PlainBound | undefined) =>
    of === undefined ? undefined : { value: parseText(of.value, field!), inclusive: of.inclusive };
  return {
    ...reading,
    startedAt: Temporal.Instant.from(startedAt),
    ...(range === undefined ? {} : { range: mapBounds(range, bound) }),
  };
}

function mapBounds<From, To>(
  range: { field: string; nulls: WatermarkRange["nulls"]; after?: From; upTo?: From },
  map: (bound: From | undefined) => To | undefined,
) {
  const { field, nulls } = range;
  const [after, upTo] = [map(range.after), map(range.upTo)];
  return {
    field,
    nulls,
    ...(after === undefined ? {} : { after }),
    ...(upTo === undefined ? {} : { upTo }),
  };
}
