/** Rows of SQLite, one by one → columns. */
import { ValueError } from "../../../../core/errors.ts";
import type { ReadTask } from "../../../../core/contracts/extractor.ts";
import { describeValue } from "../../../../core/values/js_values.ts";
import type { BatchColumns } from "../../values/batch_columns.ts";
import { type Raw, rawPusher } from "./raw_values.ts";

/** Appends rows to columns, without those that are rejected. */
export class RowPusher {
  readonly #pushers: readonly ((value: Raw) => void)[];
  #rejected = 0;

  constructor(private readonly task: ReadTask, private readonly batch: BatchColumns) {
    this.#pushers = task.projections.map(({ field }, i) => rawPusher(field, batch.columns[i]!));
  }

  /** Rows of all batches so far, and those that were rejected. */
  get count(): number {
    return this.batch.taken + this.batch.rows + this.#rejected;
  }

  /**
   * Appends a row, whose values are in the order of the projections.
   *
   * @returns whether it was not rejected
   * @throws {ValueError} with the number of the row, if rows with such a value are not rejected
   */
  push(row: readonly Raw[]): boolean {
    const { batch, task: { projections, rejections } } = this;
    try {
      for (let i = 0; i < this.#pushers.length; i++) this.#pushers[i]!(row[i]!);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const number = this.count + 1;
      if (rejections?.takesValue(error) !== true) throw error.atRow(number);
      for (const column of batch.columns) column.discard(batch.rows);
      const record = projections.map(({ field }, i) => [field.name, describeValue(row[i])]);
      rejections.rejectValue(error.atRow(number), {
        row: number,
        record: Object.fromEntries(record),
      });
      this.#rejected++;
      return false;
    }
    batch.rows++;
    return true;
  }
}
