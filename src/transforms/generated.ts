/** Adds fields whose values dxt generates. */
import { createColumn, valuePusher, withColumns } from "../arrow/mod.ts";
import type { Batch } from "../core/contracts/batch.ts";
import type { Transform } from "../core/contracts/transform.ts";
import type { Value } from "../core/values/values.ts";
import type { Field } from "../models/field.ts";

/** Returns a transform that adds fields with one value for all records of a run. */
export function constantFields(added: readonly { field: Field; value: Value }[]): Transform {
  return {
    fields: (before) => [...before, ...added.map(({ field }) => field)],
    apply(batch: Batch): Batch {
      const columns = added.map(({ field, value }) => {
        const column = createColumn(field);
        const push = valuePusher(field, column);
        for (let row = 0; row < batch.numRows; row++) push(value);
        return { field, data: column.take() };
      });
      return withColumns(batch, columns);
    },
  };
}

/** Returns the start of the run as a value of the field's type. */
export function currentTimestamp(field: Field, now: Temporal.Instant): Value {
  const micros = now.round({ smallestUnit: "microsecond", roundingMode: "floor" });
  const utc = micros.toZonedDateTimeISO("UTC");
  switch (field.dtype) {
    case "timestamp_tz":
      return micros;
    case "timestamp":
      return utc.toPlainDateTime();
    case "date":
      return utc.toPlainDate();
    case "time":
      return utc.toPlainTime();
    default:
      return micros.toString();
  }
}
