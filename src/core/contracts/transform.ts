/**
 * Steps between extract and stage. A worker without permissions creates the transforms of a stream once,
 * asks each for its fields, and passes it every batch of the stream.
 */
import type { z } from "zod";
import type { Field } from "../../models/field.ts";
import type { Batch } from "./batch.ts";
import type { DXTRecord } from "../values/values.ts";

/** A step between extract and stage that keeps the number and order of records. */
export interface Transform {
  /** Fields after the step. Called once, before the first batch. */
  fields(before: readonly Field[]): Field[];
  /** Called with one batch after the other; of a stream that is read in parts, in any order. */
  apply(batch: Batch): Batch | Promise<Batch>;
}

/** Batches as records, for a transform that works row by row. */
export interface TransformTools {
  recordsOf(batch: Batch): Iterable<DXTRecord>;
  /** @throws {ValueError} for a value that is not one of its field's type */
  batchOf(fields: readonly Field[], records: Iterable<DXTRecord>): Batch;
}

/** A transform as a pipeline names it. */
export interface TransformClass {
  readonly description: string;
  /** Validates `config`; every key described. */
  readonly options: z.ZodType;
  /** `options` has been validated by the schema above. */
  create(options: unknown, tools: TransformTools): Transform;
}
