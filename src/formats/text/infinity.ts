/** Refuses infinite dates and timestamps in files, where only dxt could read them. */
import {
  INFINITE_DAY,
  INFINITE_MICROS,
  isNull,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
} from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { ValueError } from "../../core/errors.ts";
import { INFINITY, NEGATIVE_INFINITY } from "../../core/values/values.ts";
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";

const MICROS = [[INFINITE_MICROS, INFINITY], [
  NEGATIVE_INFINITE_MICROS,
  NEGATIVE_INFINITY,
]] as const;

/** For each type, the numbers that stand for infinity in a column, with their text. */
export const INFINITE_VALUES: Partial<
  Record<DXTType, readonly (readonly [number | bigint, string])[]>
> = {
  date: [[INFINITE_DAY, INFINITY], [NEGATIVE_INFINITE_DAY, NEGATIVE_INFINITY]],
  timestamp: MICROS,
  timestamp_tz: MICROS,
};

/** @throws {ValueError} for an infinite date or timestamp; `rowsBefore` is added to its row */
export function refuseInfinity(batch: Batch, fields: readonly Field[], rowsBefore: number): void {
  fields.forEach((field, i) => {
    const infinite = INFINITE_VALUES[field.dtype];
    if (infinite === undefined) return;
    const data = batch.data.children[i]!;
    for (const [raw, text] of infinite) {
      // The slot of a NULL may hold any number.
      let row = data.values.indexOf(raw);
      while (row !== -1 && isNull(data, row)) row = data.values.indexOf(raw, row + 1);
      if (row === -1) continue;
      throw new ValueError(
        "expected a finite value: this format has no infinity",
        field.name,
        rowsBefore + row + 1,
        text,
      );
    }
  });
}
