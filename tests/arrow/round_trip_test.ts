import assert from "node:assert/strict";
import { arrowSchema, buildBatches, readFields, readRecords } from "../../src/arrow/mod.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import { ValueError } from "../../src/core/errors.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

Deno.test("every DXTType survives a batch, extremes and nulls too", async () => {
  const records = extremes();
  const back: DXTRecord[] = [];
  for await (
    const batch of buildBatches(FIELDS_OF_EVERY_TYPE, records, { rows: 3, bytes: 1 << 20 })
  ) {
    assert.ok(batch.numRows <= 3);
    back.push(...readRecords(batch));
  }
  assert.deepEqual(comparableRecords(back), comparableRecords(records));
});

Deno.test("a schema has a field's type, not that it was guessed", () => {
  const known = { name: "n", dtype: "decimal", precision: 38, scale: 1, nullable: true } as const;
  assert.deepEqual(readFields(arrowSchema([{ ...known, inferred: true }])), [known]);
});

Deno.test("a value of another type is refused with field, row and value", async () => {
  const fields = [{ name: "n", dtype: "int8", nullable: true }] as const;
  const records = [{ n: 1 }, { n: 128 }];
  const run = async () => {
    for await (const _ of buildBatches(fields, records, { rows: 10, bytes: 1 << 20 }));
  };
  await assert.rejects(run, (error: unknown) => {
    assert.ok(error instanceof ValueError);
    assert.match(error.message, /field "n", row 2: expected int8 \(-128 to 127\), value is "128"/);
    return true;
  });
});
