import assert from "node:assert/strict";
import { formatValue, parseText } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import type { DXTType } from "../../src/models/dtype.ts";
import { ExtractSettings } from "../../src/models/stream.ts";
import { watermarkRange } from "../../src/runner/plan/watermark.ts";

function range(dtype: DXTType, max: string | undefined, settings: Record<string, unknown> = {}) {
  const field: Field = {
    name: "w",
    dtype,
    nullable: true,
    ...(dtype === "decimal" ? { precision: 10, scale: 2 } : {}),
  };
  const value = max === undefined ? undefined : parseText(max, field);
  const found = watermarkRange(ExtractSettings.parse(settings), field, value);
  return found.after === undefined
    ? undefined
    : `${found.after.inclusive ? ">=" : ">"} ${formatValue(found.after.value)}`;
}

Deno.test("an empty target reads everything, or what is beyond the initial value", () => {
  assert.equal(range("int64", undefined), undefined);
  assert.equal(range("int64", undefined, { initial_value: 7 }), "> 7");
  assert.equal(range("date", undefined, { initial_value: "2024-01-31" }), "> 2024-01-31");
});

Deno.test("a known watermark is exclusive, to the microsecond", () => {
  assert.equal(range("timestamp", "2024-01-01T00:00:00.000001"), "> 2024-01-01T00:00:00.000001");
  assert.equal(range("int64", "9007199254740993"), "> 9007199254740993");
});

Deno.test("an overlap steps back and includes its bound", () => {
  const table: [DXTType, string, string, string][] = [
    ["int64", "10", "3", ">= 7"],
    ["uint64", "2", "3", ">= 0"],
    ["int32", "10", "3", ">= 7"],
    ["decimal", "1.00", "0.25", ">= 0.75"],
    ["decimal", "0.10", "0.25", ">= -0.15"],
    ["date", "2024-03-01", "P1D", ">= 2024-02-29"],
    ["date", "2024-03-01", "PT1H", ">= 2024-02-29"],
    ["timestamp", "2024-03-01T00:30:00", "PT1H", ">= 2024-02-29T23:30:00"],
    ["timestamp_tz", "2024-03-01T00:30:00Z", "P1D", ">= 2024-02-29T00:30:00Z"],
    ["time", "00:30:00", "PT1H", ">= 00:00:00"],
    ["timestamp", "2024-03-01T00:00:00", "PT0.000001S", ">= 2024-02-29T23:59:59.999999"],
    [
      "timestamp_tz",
      "2024-03-01T00:00:00.000002Z",
      "PT0.000001S",
      ">= 2024-03-01T00:00:00.000001Z",
    ],
    ["timestamp_tz", "2024-03-01T00:00:00Z", "P1W1DT1.5S", ">= 2024-02-21T23:59:58.5Z"],
    ["time", "00:00:01", "PT0.25S", ">= 00:00:00.75"],
    ["date", "2024-03-01", "PT0.000001S", ">= 2024-02-29"],
  ];
  for (const [dtype, max, overlap, wanted] of table) {
    assert.equal(range(dtype, max, { overlap }), wanted, `${dtype} ${max} ${overlap}`);
  }
});

Deno.test("an overlap of another kind, a field without order, a foreign value are refused", () => {
  assert.throws(() => range("int64", "1", { overlap: "PT1H" }), /expected a number/);
  assert.throws(() => range("date", "2024-01-01", { overlap: "3" }), /expected a duration/);
  assert.throws(() => range("bool", "true"), /bool has no order/);
  assert.throws(() => range("int64", undefined, { initial_value: "soon" }), /expected int64/);
});
