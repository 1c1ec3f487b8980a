/** Batches of dxt's own files → batches with the fields wanted. */
import {
  arrowSchema,
  batchOfData,
  createCanonicalizer,
  type Data,
  fieldsOf,
  isNull,
  refuseBeyond,
  type Schema,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Projection } from "../../../core/contracts/extractor.ts";
import type { Field } from "../../../models/field.ts";
import { isJSON } from "./json_text.ts";

/**
 * As `createCanonicalizer`, for columns that have the types wanted: values that may be beyond their type in a
 * hostile file, and JSON that may be none, are checked in their buffers. Those of a file that is proven
 * are not looked at.
 */
export function nativeCanonicalizer(
  schema: Schema,
  projections: readonly Projection[],
  proven: boolean,
): (batch: Batch) => Batch {
  const general = createCanonicalizer(schema, projections);
  const kept = fieldsOf(schema);
  const columns = projections.map(({ field, column }) =>
    kept.findIndex(({ name }) => name === (column ?? field.name))
  );
  const fields = projections.map(({ field }) => field);
  if (!fields.every((field, i) => haveSameType(field, kept[columns[i]!]!))) return general;
  const wanted = arrowSchema(fields);
  let rows = 0;
  return (batch) => {
    const data = columns.map((column) => batch.data.children[column]!);
    const before = rows;
    rows += batch.numRows;
    try {
      if (fields.every((field, i) => holds(data[i]!, field, proven))) {
        return batchOfData(wanted, data, batch.numRows);
      }
      // It tells which value is none of its field's.
      return createCanonicalizer(schema, projections)(batch);
    } catch (error) {
      if (!(error instanceof ValueError) || error.row === undefined) throw error;
      throw error.atRow(before + error.row);
    }
  };
}

function haveSameType(a: Field, b: Field): boolean {
  return a.dtype === b.dtype && a.precision === b.precision && a.scale === b.scale;
}

/** What the text of a JSON type begins with. */
const FIRST = { json: undefined, array: 0x5b, object: 0x7b } as const;

function holds(data: Data, { name, dtype, nullable }: Field, proven: boolean): boolean {
  if (!nullable && data.nullCount > 0) return false;
  if (proven) return true;
  refuseBeyond(data, name, true);
  if (dtype !== "json" && dtype !== "array" && dtype !== "object") return true;
  const offsets = data.valueOffsets as Int32Array;
  const bytes = data.values as Uint8Array;
  for (let row = 0; row < data.length; row++) {
    if (!isJSON(bytes, offsets[row]!, offsets[row + 1]!, FIRST[dtype]) && !isNull(data, row)) {
      return false;
    }
  }
  return true;
}
