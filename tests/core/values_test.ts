import assert from "node:assert/strict";
import fc from "fast-check";
import { ValueError } from "../../src/core/errors.ts";
import {
  compareValues,
  exactDecimal,
  formatValue,
  JSONText,
  parseText,
  plainDecimal,
  type Value,
} from "../../src/core/values/values.ts";
import type { DXTType } from "../../src/models/dtype.ts";
import type { Field } from "../../src/models/field.ts";

function field(dtype: DXTType): Field {
  return {
    name: "f",
    dtype,
    nullable: true,
    ...(dtype === "decimal" ? { precision: 6, scale: 2 } : {}),
  };
}

Deno.test("text that a type holds is read and written back", () => {
  const table: [DXTType, string, string][] = [
    ["int8", "-128", "-128"],
    ["int8", "+7", "7"],
    ["int64", "9223372036854775807", "9223372036854775807"],
    ["uint64", "18446744073709551615", "18446744073709551615"],
    ["float64", "1e-7", "1e-7"],
    ["float64", "-0", "-0"],
    ["float64", "007.50", "7.5"],
    ["float64", "+.5", "0.5"],
    ["float64", "5.", "5"],
    ["float64", "12345678901234567000", "12345678901234567000"],
    ["float64", "0.1000000000000000055511151231257827", "0.1"],
    ["float64", "5e-324", "5e-324"],
    ["float32", "16777216", "16777216"],
    ["float32", "0.1", "0.10000000149011612"],
    ["float64", "nan", "NaN"],
    ["float64", "-Infinity", "-Infinity"],
    ["decimal", "0012.5", "12.50"],
    ["decimal", ".5", "0.50"],
    ["decimal", "-0.00", "0.00"],
    ["decimal", "9999.99", "9999.99"],
    ["bool", "T", "true"],
    ["bool", "0", "false"],
    ["date", "0001-01-01", "0001-01-01"],
    ["date", "0000-02-29", "0000-02-29"],
    ["date", "+010000-01-01", "+010000-01-01"],
    ["date", "-000001-12-31", "-000001-12-31"],
    ["date", "+275760-09-13", "+275760-09-13"],
    ["date", "-271821-04-19", "-271821-04-19"],
    ["date", "infinity", "infinity"],
    ["time", "23:59:59.999999", "23:59:59.999999"],
    ["time", "07:30", "07:30:00"],
    ["timestamp", "2024-02-29 12:00:00.000001", "2024-02-29T12:00:00.000001"],
    ["timestamp", "2024-02-29", "2024-02-29T00:00:00"],
    ["timestamp", "+010000-01-01 00:00", "+010000-01-01T00:00:00"],
    ["timestamp", "-000044-03-15T12:00:00.000001", "-000044-03-15T12:00:00.000001"],
    ["timestamp", "-infinity", "-infinity"],
    ["timestamp_tz", "2024-01-01T00:00:00+02", "2023-12-31T22:00:00Z"],
    ["timestamp_tz", "2024-01-01 00:00:00.1-05:30", "2024-01-01T05:30:00.1Z"],
    ["timestamp_tz", "+010000-01-01T01:00:00+01", "+010000-01-01T00:00:00Z"],
    ["binary", "00ff", "00ff"],
    ["json", '{"a": 1.0}', '{"a": 1.0}'],
    ["array", "[1, 2]", "[1, 2]"],
  ];
  for (const [dtype, text, back] of table) {
    assert.equal(formatValue(parseText(text, field(dtype))), back, `${dtype} ${text}`);
  }
});

Deno.test("text that a type cannot hold is a typed error", () => {
  const table: [DXTType, string][] = [
    ["int8", "128"],
    ["uint8", "-1"],
    ["int32", "1.0"],
    ["int32", ""],
    ["int64", "9223372036854775808"],
    ["int64", " 1"],
    ["float64", "1,5"],
    // Numbers that the type would round, or hold as another.
    ["float64", "0.1234567890123456789"],
    ["float64", "12345678901234567890"],
    ["float64", "9007199254740993"],
    ["float64", "1e400"],
    ["float64", "-1e400"],
    ["float64", "1e-400"],
    ["float64", "4e-324"],
    ["float32", "16777217"],
    ["float32", "0.12345678901"],
    ["float32", "1e39"],
    ["float64", "0x10"],
    ["decimal", "1.005"],
    ["decimal", "10000"],
    ["decimal", "1e2"],
    ["bool", "yes"],
    ["date", "2023-02-29"],
    ["date", "01/02/2024"],
    ["date", "2024-01-01T00:00"],
    ["time", "24:00:00"],
    ["time", "12:00:60"],
    ["timestamp", "2024-01-01T00:00:00.1234567"],
    ["timestamp", "2024-01-01T00:00:00Z"],
    ["timestamp_tz", "2024-01-01T00:00:00"],
    ["timestamp_tz", "2024-01-01Z"],
    ["binary", "0"],
    ["binary", "zz"],
    ["json", "{a:1}"],
    ["array", "{}"],
    ["object", "[]"],
  ];
  for (const [dtype, text] of table) {
    assert.throws(() => parseText(text, field(dtype)), ValueError, `${dtype} ${text}`);
  }
});

Deno.test("exact decimals keep the number, whatever the digits", () => {
  fc.assert(fc.property(
    fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
    fc.integer({ min: 0, max: 38 }),
    (unscaled, scale) => {
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
      const point = digits.length - scale;
      const text = `${unscaled < 0n ? "-" : ""}${digits.slice(0, point)}` +
        (scale === 0 ? "" : `.${digits.slice(point)}`);
      const exact = exactDecimal(text, 38, scale);
      assert.equal(BigInt(exact!.replace(".", "")), unscaled);
    },
  ));
});

Deno.test("a double in plain digits is the same double, without an exponent", () => {
  fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
    const text = plainDecimal(value);
    assert.doesNotMatch(text, /e/);
    assert.equal(Number(text), value === 0 ? 0 : value);
  }));
});

Deno.test("values are ordered by what they mean", () => {
  const ordered: [DXTType, Exclude<Value, null>[]][] = [
    ["int64", [-(2n ** 63n), -1n, 0n, 9007199254740993n]],
    ["float64", [-Infinity, -1, 0, 1e300, Infinity, NaN]],
    ["decimal", ["-10.5", "-9.25", "0.1", "0.25", "9", "10"]],
    ["string", ["", "A", "a", "ab", "é", "\uFFFD", "🦕"]],
    ["date", [
      "-infinity",
      ...["0001-01-01", "2024-01-02"].map((t) => parseText(t, field("date"))),
      "infinity",
    ]],
    [
      "timestamp_tz",
      ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000001Z"].map((t) =>
        parseText(t, field("timestamp_tz"))
      ),
    ],
    ["binary", [new Uint8Array(), new Uint8Array([0]), new Uint8Array([1])]],
    ["json", [new JSONText("1"), new JSONText("2")]],
    ["bool", [false, true]],
  ];
  for (const [dtype, values] of ordered) {
    values.forEach((a, i) =>
      values.forEach((b, j) => {
        const order = compareValues(a, b, dtype);
        assert.equal(Math.sign(order), Math.sign(i - j), `${dtype} ${a} ${b}`);
      })
    );
  }
});
