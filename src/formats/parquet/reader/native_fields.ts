/** Converts batches of dxt's own files to the requested fields. */
import {
  arrowSchema,
  checkBounds,
  createCanonicalizer,
  type Data,
  holdsJSON,
  readFields,
  type Schema,
  wrapBatch,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Projection } from "../../../core/contracts/extractor.ts";
import { isJSONType } from "../../../core/values/kinds.ts";
import type { Field } from "../../../models/field.ts";

/**
 * Like `createCanonicalizer`, with a fast path for columns that already have the requested types.
 * Without `proven`, it checks in the buffers what a hostile file could violate: values outside
 * their type, and text that is not JSON.
 */
export function nativeCanonicalizer(
  schema: Schema,
  projections: readonly Projection[],
  proven: boolean,
): (batch: Batch) => Batch {
  const general = createCanonicalizer(schema, projections);
  const embedded = readFields(schema);
  const columns = projections.map(({ field, column }) =>
    embedded.findIndex(({ name }) => name === (column ?? field.name))
  );
  const fields = projections.map(({ field }) => field);
  if (!fields.every((field, i) => haveSameType(field, embedded[columns[i]!]!))) return general;
  const requested = arrowSchema(fields);
  let rows = 0;
  return (batch) => {
    const data = columns.map((column) => batch.data.children[column]!);
    const rowsBefore = rows;
    rows += batch.numRows;
    try {
      if (fields.every((field, i) => canPass(data[i]!, field, proven))) {
        return wrapBatch(requested, data, batch.numRows);
      }
      // The general path finds the faulty value and throws.
      return createCanonicalizer(schema, projections)(batch);
    } catch (error) {
      if (!(error instanceof ValueError) || error.row === undefined) throw error;
      throw error.atRow(rowsBefore + error.row);
    }
  };
}

function haveSameType(a: Field, b: Field): boolean {
  return a.dtype === b.dtype && a.precision === b.precision && a.scale === b.scale;
}

function canPass(data: Data, { name, dtype, nullable }: Field, proven: boolean): boolean {
  if (!nullable && data.nullCount > 0) return false;
  if (proven) return true;
  checkBounds(data, name, true);
  return !isJSONType(dtype) || holdsJSON(data, dtype);
}
