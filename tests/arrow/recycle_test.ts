/** Columns whose arrays are used again. */
import assert from "node:assert/strict";
import {
  arrowSchema,
  buildBatch,
  createColumn,
  readRecords,
  valuePusher,
} from "../../src/arrow/mod.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

const FIELDS = FIELDS_OF_EVERY_TYPE;

function fill(columns: ReturnType<typeof createColumn>[], records: readonly DXTRecord[]) {
  const pushers = FIELDS.map((field, i) => valuePusher(field, columns[i]!));
  for (const record of records) {
    FIELDS.forEach(({ name }, i) => pushers[i]!(record[name] ?? null));
  }
  return buildBatch(arrowSchema(FIELDS), columns);
}

Deno.test("a batch of recycled columns is good until the next is taken, whatever was in its arrays", () => {
  const columns = FIELDS.map(createColumn);
  for (const column of columns) column.recycle();
  const many = extremes();
  const nulls: DXTRecord[] = many.map(() => ({}));
  const rounds = [many, nulls, many.toReversed(), [], many.slice(0, 1), nulls, many];
  for (const records of rounds) {
    const batch = fill(columns, records);
    const expected = comparableRecords(
      records.map((record) =>
        Object.fromEntries(FIELDS.map(({ name }) => [name, record[name] ?? null]))
      ),
    );
    assert.deepEqual(comparableRecords(readRecords(batch)), expected);
  }
});

Deno.test("recycled columns have two sets of arrays, others new ones each time", () => {
  const field = { name: "n", dtype: "int64", nullable: true } as const;
  for (const recycles of [true, false]) {
    const column = createColumn(field);
    if (recycles) column.recycle();
    const push = valuePusher(field, column);
    const buffers = Array.from({ length: 6 }, () => {
      push(1n);
      return column.take().values.buffer;
    });
    assert.equal(new Set(buffers).size, recycles ? 2 : 6);
  }
});
