/** What is read of a stream, in a form that another thread can take. */
import type { WatermarkRange } from "../../core/contracts/connector.ts";
import type { Part, Projection } from "../../core/contracts/extractor.ts";
import { formatValue, parseText, type Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamSource } from "../../models/source.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";

/** Rows and bytes of a batch where a pipeline does not say. */
export const BATCH_ROWS = 8_192;
export const BATCH_BYTES = 16 * 1024 * 1024;

export interface ExtractSpec {
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
  readonly constants?: ResolvedFields["constants"];
  readonly startedAt: Temporal.Instant;
  /** Whether a NULL watermark is an error. */
  readonly refuseNull: boolean;
  /** Names of the fields that identify a record, as far as they are known. */
  readonly keys?: readonly string[];
  /** Whether batches are done with when the next is asked for. */
  readonly recycle: boolean;
  /** Whether the projections are to be all fields of the source. */
  readonly complete: boolean;
  /** Names of fields of the source that are left out. */
  readonly excluded: readonly string[];
}

/** What was seen so far. */
export interface Seen {
  rows: number;
  bytes: number;
  /** Highest watermark. */
  max: Value;
  /** Rows whose watermark is NULL, NaN or infinity, and those of them that are not NULL. */
  nulls: number;
  placeless: number;
  /** The record that has the highest watermark, where that is later than now: `id "4"`. */
  key?: string;
}

export const NOTHING_SEEN: Seen = { rows: 0, bytes: 0, max: null, nulls: 0, placeless: 0 };

/** Fields of the stage. */
export function stagedFields(
  { projections, transformed, generated }: Pick<
    ExtractSpec,
    "projections" | "transformed" | "generated"
  >,
): Field[] {
  return [...transformed ?? projections.map(({ field }) => field), ...generated];
}

/** A reading as plain data: values are text, to be read again as their field. */
export type TransferableSpec = Omit<ExtractSpec, "range" | "startedAt"> & {
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

export function toTransferableSpec(
  { range, startedAt, ...reading }: ExtractSpec,
): TransferableSpec {
  const bound = (of: WatermarkRange["after"]) =>
    of === undefined ? undefined : { value: formatValue(of.value), inclusive: of.inclusive };
  return {
    ...reading,
    startedAt: startedAt.toString(),
    ...(range === undefined ? {} : { range: mapBounds(range, bound) }),
  };
}

export function fromTransferableSpec(
  { range, startedAt, ...reading }: TransferableSpec,
): ExtractSpec {
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
