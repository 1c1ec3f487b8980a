/** A batch's columns as the table of a load takes them. */
import type { Batch } from "../../../../core/contracts/batch.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { Target } from "../system.ts";
import { checkedColumn, type WrittenColumn } from "../types/checked_column.ts";

/** Calls `work`, whose errors tell rows of a batch, after `before` rows of the stream. */
export function columnsAfter<T>(before: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(before + error.row!) : error;
  }
}

/** In the order of the target's columns. */
export function writtenColumns(batch: Batch, { columns }: Target): WrittenColumn[] {
  return columns.map(({ field, fit: { checked }, at }) => {
    const data = batch.data.children[at]!;
    return checked === undefined ? { field, data } : checkedColumn(field, data, checked);
  });
}
