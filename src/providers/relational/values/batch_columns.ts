import {
  arrowSchema,
  buildBatch,
  type Column,
  createColumn,
  type Schema,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { ExtractRequest } from "../../../core/contracts/extractor.ts";

/** Columns on their way to batches. */
export class BatchColumns {
  readonly columns: readonly Column[];
  readonly #schema: Schema;
  /** Rows of the batches that were taken. */
  taken = 0;
  rows = 0;

  constructor({ projections, recycle = false }: Pick<ExtractRequest, "projections" | "recycle">) {
    const fields = projections.map(({ field }) => field);
    this.columns = fields.map(createColumn);
    if (recycle) { for (const column of this.columns) column.recycle(); }
    this.#schema = arrowSchema(fields);
  }

  get byteLength(): number {
    return this.columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  take(): Batch {
    this.taken += this.rows;
    this.rows = 0;
    return buildBatch(this.#schema, this.columns);
  }
}
