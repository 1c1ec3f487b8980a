/** The specification of an extraction: what is read, and how each batch changes before it is staged. */
import type { ExtractRequest } from "../../core/contracts/extractor.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { MaxErrors, VerifyLevel } from "../../models/stream.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";

/** Rows and bytes of a batch where a pipeline does not say. */
export const BATCH_ROWS = 8_192;
export const BATCH_BYTES = 16 * 1024 * 1024;

/** Made once for a stream by the host, and sent to each worker that reads a part of it. */
export interface ExtractSpec
  extends Pick<ResolvedFields, "transformed" | "generated" | "constants"> {
  /** The extractor's request; the worker adds its signal, and the part that it reads. */
  readonly request: Omit<ExtractRequest, "signal">;
  /** Start of the run: the value of generated timestamps. */
  readonly startedAt: Temporal.Instant;
  /** Whether a NULL watermark is an error. */
  readonly refuseNull: boolean;
  /** What is summarized of a large stage, since its load will compare that much. */
  readonly summarize: VerifyLevel;
  /** Names of the fields that identify a record, as far as they are known. */
  readonly keys?: readonly string[];
  /** Which records are rejected; unset, the first one that cannot be staged ends the extraction. */
  readonly rejects?: RejectionRules | undefined;
  /** The rows that are staged; all when unset. */
  readonly only?: RowSelection | undefined;
}

/** Which records are rejected, and how many. Plain data. */
export interface RejectionRules {
  /** Records that cannot be parsed, and values that are not of a type that dxt guessed from the file. */
  readonly extract: boolean;
  /** Other values that are not of their field's type, and rows that a transform refuses. */
  readonly transform: boolean;
  /** The most rows of the stream that may be rejected. */
  readonly maxErrors: MaxErrors;
}

/** Rows that have one of some keys. Plain data. */
export interface RowSelection {
  /** Names of the fields that identify a row. */
  readonly keys: readonly string[];
  /** Hashes of keys, two words each, as `RowHasher` computes them. */
  readonly hashes: Uint32Array;
  /** Whether the load also deletes rows that are only in the target, as the stream's `load.deletes` says. */
  readonly deletes?: true | undefined;
}

/** What was read so far. */
export interface ExtractStats {
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

export function newStats(): ExtractStats {
  return { rows: 0, bytes: 0, max: null, nulls: 0, placeless: 0 };
}

/** Fields of the stage. */
export function stagedFields(
  { projections, transformed, generated }: Pick<
    ResolvedFields,
    "projections" | "transformed" | "generated"
  >,
): Field[] {
  return [...transformed ?? projections.map(({ field }) => field), ...generated];
}

/** Fields of the stage that a spec fills. */
export function specFields(spec: ExtractSpec): Field[] {
  return stagedFields({ ...spec, projections: spec.request.projections });
}
