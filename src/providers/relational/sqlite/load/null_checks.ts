import { firstNull } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import type { Target } from "./target.ts";

/** NULL where the column refuses it, where SQLite would make a number up, or in a key. */
export function refuseNulls(
  batch: Batch,
  { columns }: Target,
  { staged, upsertKeys }: LoadTask,
  before: number,
): void {
  for (const [i, field] of staged.fields.entries()) {
    const key = upsertKeys.includes(field.name);
    if (!key && !columns[i]!.required) continue;
    const row = firstNull(batch, i);
    if (row < 0) continue;
    const wanted = key
      ? "expected a value in a key of the upsert"
      : `expected a value, column "${columns[i]!.name}" is NOT NULL`;
    throw new ValueError(wanted, field.name, before + row + 1, null);
  }
}
