/** Finds NULL that a column or a key refuses, since the system would not name the row. */
import { firstNull } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { LoadTask } from "../../../core/contracts/loader.ts";
import type { Target } from "../column_match.ts";
import type { Table } from "../contract.ts";

/** @param before rows of the stream before the batch */
function refuseNulls(
  batch: Batch,
  { columns }: Pick<Target<Table, unknown>, "columns">,
  { upsertKeys }: Pick<LoadTask, "upsertKeys">,
  before: number,
): void {
  for (const { field, column, at } of columns) {
    const isKey = upsertKeys.includes(field.name);
    if (!isKey && column.nullable) continue;
    const row = firstNull(batch, at);
    if (row < 0) continue;
    const wanted = isKey
      ? "expected a value in a key of the upsert"
      : `expected a value, column "${column.name}" is NOT NULL`;
    throw new ValueError(wanted, field.name, before + row + 1, null);
  }
}

/**
 * Yields the batches of a load, each checked for NULL.
 *
 * @throws {ValueError} with field and row, for NULL in a column of the target that refuses it
 */
export async function* readChecked(
  task: LoadTask,
  target: Pick<Target<Table, unknown>, "columns">,
): AsyncGenerator<Batch, void, void> {
  let before = 0;
  for await (const batch of task.staged.readBatches(true)) {
    task.signal.throwIfAborted();
    refuseNulls(batch, target, task, before);
    before += batch.numRows;
    yield batch;
  }
}
