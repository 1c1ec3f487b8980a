import assert from "node:assert/strict";
import { buildBatches, readRecords } from "../../src/arrow/mod.ts";
import type { Field } from "../../src/models/field.ts";
import { constantFields, currentTimestamp } from "../../src/transforms/generated.ts";
import { comparableRecords } from "../conformance/values.ts";

const NOW = Temporal.Instant.from("2024-05-06T07:08:09.123456789Z");

Deno.test("the start of the run is a value of each type that can hold it", () => {
  const text = (dtype: Field["dtype"]) =>
    String(currentTimestamp({ name: "f", dtype, nullable: false }, NOW));
  assert.equal(text("timestamp_tz"), "2024-05-06T07:08:09.123456Z");
  assert.equal(text("timestamp"), "2024-05-06T07:08:09.123456");
  assert.equal(text("date"), "2024-05-06");
  assert.equal(text("time"), "07:08:09.123456");
  assert.equal(text("string"), "2024-05-06T07:08:09.123456Z");
});

Deno.test("a generated field follows the others and is the same in every record", async () => {
  const before: Field[] = [{ name: "n", dtype: "int32", nullable: true }];
  const field: Field = { name: "at", dtype: "date", nullable: false };
  const transform = constantFields([{ field, value: currentTimestamp(field, NOW) }]);
  assert.deepEqual(transform.fields(before), [...before, field]);
  for await (
    const batch of buildBatches(before, [{ n: 1 }, { n: null }], { rows: 9, bytes: 1e6 })
  ) {
    assert.deepEqual(comparableRecords(readRecords(await transform.apply(batch))), [
      { n: 1, at: "PlainDate 2024-05-06" },
      { n: null, at: "PlainDate 2024-05-06" },
    ]);
  }
});
