import assert from "node:assert/strict";
import fc from "fast-check";
import {
  BatchBuilder,
  filterBatch,
  rangePredicate,
  readRecords,
  valueReader,
} from "../../src/arrow/mod.ts";
import type { Batch } from "../../src/core/contracts/batch.ts";
import type { WatermarkRange } from "../../src/core/contracts/connector.ts";
import { compareValues, type DXTRecord, type Value } from "../../src/core/values/values.ts";
import { isUnordered } from "../../src/core/values/value_order.ts";
import type { Field } from "../../src/models/field.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

function batchFrom(fields: readonly Field[], records: readonly DXTRecord[]): Batch {
  const builder = new BatchBuilder(fields, { rows: 1e6, bytes: 1e9 });
  records.forEach((record) => builder.push(record));
  return builder.take();
}

Deno.test("a filtered batch has the kept rows of every type, whichever they are", () => {
  const pool = extremes();
  fc.assert(fc.property(
    fc.array(fc.tuple(fc.nat(pool.length - 1), fc.boolean()), { maxLength: 60 }),
    (rows) => {
      const records = rows.map(([i]) => pool[i]!);
      const batch = batchFrom(FIELDS_OF_EVERY_TYPE, records);
      const kept = filterBatch(batch, (row) => rows[row]![1]);
      const wanted = records.filter((_, row) => rows[row]![1]);
      assert.equal(kept.numRows, wanted.length);
      assert.deepEqual(comparableRecords(readRecords(kept)), comparableRecords(wanted));
      kept.data.children.forEach((data, i) => {
        const nulls = wanted.filter((record) => record[FIELDS_OF_EVERY_TYPE[i]!.name] === null);
        assert.equal(data.nullCount, nulls.length);
      });
    },
  ));
});

Deno.test("a batch of which all rows are kept is not copied", () => {
  const batch = batchFrom(FIELDS_OF_EVERY_TYPE, extremes());
  assert.equal(filterBatch(batch, () => true), batch);
});

Deno.test("a filtered batch can be filtered again", () => {
  const batch = batchFrom(FIELDS_OF_EVERY_TYPE, [...extremes(), ...extremes()]);
  const once = filterBatch(batch, (row) => row % 2 === 1);
  const twice = filterBatch(once, (row) => row > 1);
  const wanted = [...extremes(), ...extremes()].filter((_, i) => i % 2 === 1).slice(2);
  assert.deepEqual(comparableRecords(readRecords(twice)), comparableRecords(wanted));
});

const ORDERED = FIELDS_OF_EVERY_TYPE.filter(({ dtype }) =>
  !["bool", "binary", "json", "array", "object"].includes(dtype)
);

for (const field of ORDERED) {
  Deno.test(`a range of ${field.name} keeps what compareValues says`, () => {
    const values: Value[] = extremes().map((record) => record[field.name]!);
    if (field.dtype === "string") values.push("\u{1F600}", "\uFFFD", "a", "B", "ab");
    if (field.dtype.startsWith("float")) values.push(NaN, 0, 1.5);
    if (/^(date|timestamp)/.test(field.dtype)) values.push("infinity", "-infinity");
    if (field.dtype === "decimal") values.push("1", "-1", "10", "9");
    const batch = batchFrom([field], values.map((value) => ({ [field.name]: value })));
    const data = batch.data.children[0]!;
    const read = valueReader(field, data);
    const isNowhere = (value: Value) => value === null || isUnordered(value, field);
    const bounds = values.filter((value): value is Exclude<Value, null> => !isNowhere(value));
    for (const bound of bounds) {
      for (const inclusive of [true, false]) {
        for (const nulls of ["include", "exclude"] as const) {
          for (const side of ["after", "upTo"] as const) {
            const range: WatermarkRange = {
              field: field.name,
              nulls,
              [side]: { value: bound, inclusive },
            };
            const keep = rangePredicate(range, field, data);
            for (let row = 0; row < values.length; row++) {
              const value = read(row);
              const order = isNowhere(value) ? 0 : compareValues(value!, bound, field.dtype);
              const wanted = isNowhere(value)
                ? nulls === "include"
                : order === 0
                ? inclusive
                : (order > 0) === (side === "after");
              assert.equal(keep(row), wanted, `${value} ${side} ${bound}`);
            }
          }
        }
      }
    }
  });
}
