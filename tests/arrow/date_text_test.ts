/** Dates far away as text: dxt reads again what it wrote, or refuses to write it. */
import assert from "node:assert/strict";
import { makeData } from "apache-arrow";
import { arrowType, type Data, dateText, textReader } from "../../src/arrow/mod.ts";
import { ValueError } from "../../src/core/errors.ts";
import { formatValue, parseText } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";

const DAY = 86_400_000_000n;
const fieldOf = (dtype: "date" | "timestamp" | "timestamp_tz"): Field => ({
  name: "d",
  dtype,
  nullable: true,
});

function columnOf(field: Field, day: number): Data {
  const data = field.dtype === "date"
    ? new Int32Array([day])
    : new BigInt64Array([BigInt(day) * DAY]);
  return makeData({ type: arrowType(field), length: 1, nullCount: 0, data } as never);
}

/** Days, and the date that each is. */
const READ: [number, string][] = [
  [2_932_896, "9999-12-31"],
  [2_932_897, "+010000-01-01"],
  [-719_528, "0000-01-01"],
  [-719_529, "-000001-12-31"],
  [-735_525, "-000044-03-15"],
  [-2_440_551, "-004713-12-31"],
  [99_999_999, "+275760-09-12"],
  [-99_999_999, "-271821-04-21"],
];

for (const dtype of ["date", "timestamp", "timestamp_tz"] as const) {
  for (const [day, text] of READ) {
    Deno.test(`${dtype}: ${text} reads back as it was written`, () => {
      const field = fieldOf(dtype);
      const written = textReader(field, columnOf(field, day))(0)!;
      assert.ok(written.startsWith(text), written);
      assert.equal(formatValue(parseText(written, field)).slice(0, text.length), text);
    });
  }
  for (const day of [100_000_001, -100_000_001, 106_000_000, -106_000_000]) {
    Deno.test(`${dtype}: ${dateText(day)} is refused, since nothing would read it`, () => {
      const field = fieldOf(dtype);
      assert.throws(() => textReader(field, columnOf(field, day))(0), (error) => {
        assert.ok(error instanceof ValueError);
        assert.deepEqual([error.field, error.row], ["d", 1]);
        return true;
      });
    });
  }
}
