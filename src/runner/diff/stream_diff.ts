/** What `dxt diff` finds: the differences between source and target of a pipeline's streams. */
import type { Value } from "../../core/values/values.ts";
import type { DifferenceKind } from "../../integrity/diff/row_pairs.ts";
import type { Field } from "../../models/field.ts";

export interface PipelineDiff {
  readonly pipeline: string;
  /** different: some stream differs, whatever became of the others; failed: a stream could not be compared. */
  readonly status: StreamDiff["status"];
  readonly streams: readonly StreamDiff[];
}

/** A stream whose rows were compared, or why they could not be. */
export interface StreamDiff {
  readonly stream: string;
  readonly status: "equal" | "different" | "failed";
  readonly source: string;
  readonly target: string;
  readonly compared?: ComparedRows;
  readonly warnings: readonly string[];
  readonly error?: { readonly type: string; readonly message: string };
  readonly ms: number;
}

export interface ComparedRows {
  /** Rows that were compared. */
  readonly rows: { readonly source: number; readonly target: number };
  /** Rows of the source above the target's watermark, which the next run loads. */
  readonly later: number;
  /** The fields that identify a row; empty where none does, so that whole rows are compared. */
  readonly keys: readonly Field[];
  /** Fields that were not compared, with the reason. */
  readonly omitted: readonly { readonly field: string; readonly reason: string }[];
  /** Rows of each kind; keys of the kind `several`. */
  readonly counts: Readonly<Record<DifferenceKind, number>>;
  /** Some differences of each kind, by kind and key. */
  readonly differences: readonly RowDifference[];
  /** Hashes of the keys of rows that a load would repair, as far as they were asked for. */
  readonly repairable: Uint32Array;
}

export interface RowDifference {
  readonly kind: DifferenceKind;
  /** In the order of the keys. */
  readonly key: readonly Value[];
  /** Of a changed row the fields that differ; of a row that one side lacks all fields but the key. */
  readonly fields: readonly FieldDifference[];
}

/** The values of a field. The side that lacks the row has none. */
export interface FieldDifference {
  readonly field: Field;
  readonly source?: Value;
  readonly target?: Value;
}
