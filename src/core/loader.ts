import type { Field } from "../models/field.ts";
import type { StreamTarget } from "../models/source.ts";
import type { LoadMode } from "../models/stream.ts";
import type { StagedData } from "./buffer.ts";
import type { Value } from "./values.ts";

export interface LoadTask {
  readonly target: StreamTarget;
  readonly staged: StagedData;
  readonly mode: LoadMode;
  /** Field names, not empty when the mode is upsert. */
  readonly upsertKeys: readonly string[];
  readonly signal: AbortSignal;
}

/** What the target says of a finished load. */
export interface LoadReceipt {
  /** Staged records that the target took; equal to the staged count, or the load failed. */
  readonly rows: number;
  /** Records in the target afterwards, where counting is part of the load. */
  readonly total?: number;
  /** The target's own words, for example `COPY 347`. */
  readonly evidence: string;
}

export interface Loader {
  /**
   * Creates the target if it is missing, writes all staged data, or leaves the target as it was.
   * When upserted records share a key, the last one staged wins.
   */
  load(task: LoadTask): Promise<LoadReceipt>;
  /**
   * Highest value of a field in the target; undefined when the target is missing or empty. `as` is
   * the field as the stream has it, for a target that keeps no types: text has another order.
   */
  getMaxWatermark(
    target: StreamTarget,
    field: string,
    as?: Field,
  ): Promise<Exclude<Value, null> | undefined>;
}
