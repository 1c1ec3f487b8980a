import type { Field } from "../models/field.ts";
import type { Batch } from "./batch.ts";

/** A step between extract and stage that keeps the number of records. */
export interface Transform {
  /** Fields after the step. */
  fields(before: readonly Field[]): Field[];
  apply(batch: Batch): Batch;
}
