import assert from "node:assert/strict";
import fc from "fast-check";
import { dateText, timestampText, timeText, toPlainDateTime } from "../../src/arrow/mod.ts";
import { buildBatches, firstNull, maxValue, nullCounts, textReader } from "../../src/arrow/mod.ts";
import { parseText } from "../../src/core/values/values.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

Deno.test("days and microseconds become the text that Temporal writes", () => {
  const epoch = new Temporal.PlainDate(1970, 1, 1);
  fc.assert(fc.property(fc.integer({ min: -100_000_001, max: 100_000_000 }), (day) => {
    assert.equal(dateText(day), epoch.add({ days: day }).toString());
  }));
  fc.assert(
    fc.property(fc.bigInt({ min: -864n * 10n ** 16n, max: 864n * 10n ** 16n }), (micros) => {
      assert.equal(timestampText(micros), toPlainDateTime(micros).toString());
    }),
  );
  assert.equal(timeText(86_399_999_999), "23:59:59.999999");
  assert.equal(timeText(0), "00:00:00");
});

Deno.test("the text of every value is read back as the same column", async () => {
  const bounds = { rows: 100, bytes: 1 << 20 };
  for await (const batch of buildBatches(FIELDS_OF_EVERY_TYPE, extremes(), bounds)) {
    const texts = FIELDS_OF_EVERY_TYPE.map((field, i) => {
      const read = textReader(field, batch.data.children[i]!);
      return Array.from({ length: batch.numRows }, (_, row) => read(row));
    });
    const records = Array.from(
      { length: batch.numRows },
      (_, row) =>
        Object.fromEntries(FIELDS_OF_EVERY_TYPE.map((field, i) => {
          const text = texts[i]![row]!;
          return [field.name, text === null ? null : parseText(text, field)];
        })),
    );
    for await (const again of buildBatches(FIELDS_OF_EVERY_TYPE, records, bounds)) {
      FIELDS_OF_EVERY_TYPE.forEach((field, i) => {
        const read = textReader(field, again.data.children[i]!);
        assert.deepEqual(texts[i], texts[i]!.map((_, row) => read(row)), field.name);
      });
    }
  }
});

Deno.test("a batch tells its NULLs and its highest values", async () => {
  for await (
    const batch of buildBatches(FIELDS_OF_EVERY_TYPE, extremes(), { rows: 9, bytes: 1e9 })
  ) {
    FIELDS_OF_EVERY_TYPE.forEach(({ name }, i) => {
      const nulls = extremes().map((record) => record[name] ?? null).map((value) => value === null);
      assert.equal(nullCounts(batch)[i], nulls.filter(Boolean).length, name);
      assert.equal(firstNull(batch, i), nulls.indexOf(true), name);
    });
    const max = (name: string) => {
      const i = FIELDS_OF_EVERY_TYPE.findIndex((field) => field.name === name);
      return String(maxValue(batch, i, FIELDS_OF_EVERY_TYPE[i]!));
    };
    assert.equal(max("f_int64"), "9223372036854775807");
    assert.equal(max("f_decimal"), "9999999999.99");
    assert.equal(max("f_float64"), String(Number.MAX_VALUE));
    assert.equal(max("f_date"), "9999-12-31");
    assert.equal(max("f_timestamp_tz"), "9999-12-31T23:59:59.999999Z");
  }
});
