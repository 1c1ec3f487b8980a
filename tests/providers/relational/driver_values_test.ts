import assert from "node:assert/strict";
import { createColumn, valueReader } from "../../../src/arrow/mod.ts";
import { ValueError } from "../../../src/core/errors.ts";
import type { Value } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import {
  driverPusher,
  type DriverRules,
  type DriverValue,
} from "../../../src/providers/relational/values/driver_values.ts";

/** A driver that returns whole numbers as numbers where they fit. */
const RULES: DriverRules = {
  product: "Example",
  kinds: {
    bigint: "bigint",
    number: "number",
    string: "text",
    boolean: "boolean",
    object: "bytes",
  },
  bigIntegers: false,
  doubles: new Map(),
};

function read(field: Partial<Field>, value: DriverValue, rules = RULES): Value {
  const whole = { name: "x", dtype: "string", nullable: true, ...field } as Field;
  const column = createColumn(whole);
  driverPusher(whole, column, rules)(value);
  return valueReader(whole, column.take())(0) as Value;
}

Deno.test("a driver's values are read as the field's type", () => {
  const cases: [Partial<Field>, DriverValue, Value][] = [
    [{ dtype: "int32" }, 7, 7],
    [{ dtype: "int32" }, 7n, 7],
    [{ dtype: "int64" }, 2 ** 53 - 1, 2n ** 53n - 1n],
    [{ dtype: "uint64" }, "18446744073709551615", 2n ** 64n - 1n],
    [{ dtype: "bool" }, true, true],
    [{ dtype: "bool" }, 0, false],
    [{ dtype: "bool" }, 1n, true],
    [{ dtype: "float64" }, 3n, 3],
    [{ dtype: "decimal", precision: 6, scale: 2 }, 1.25, "1.25"],
    [{ dtype: "string" }, 12n, "12"],
    [{ dtype: "string" }, null, null],
    [
      { dtype: "timestamp" },
      "2024-01-02 03:04:05",
      new Temporal.PlainDateTime(2024, 1, 2, 3, 4, 5),
    ],
  ];
  for (const [field, value, wanted] of cases) {
    assert.deepEqual(String(read(field, value)), String(wanted), `${field.dtype} ${value}`);
  }
});

Deno.test("a value that the field's type does not hold is refused with the system's word for it", () => {
  const cases: [Partial<Field>, DriverValue, RegExp][] = [
    [{ dtype: "int8" }, 128, /expected int8 \(-128 to 127\), Example holds number/],
    [{ dtype: "int64" }, 0.5, /expected int64, Example holds number/],
    [{ dtype: "bool" }, 2, /expected bool, 0 or 1/],
    [{ dtype: "string" }, true, /expected text, Example holds boolean/],
    [{ dtype: "binary" }, "x", /expected bytes, Example holds text/],
    [{ dtype: "decimal", precision: 3, scale: 1 }, "1.25", /expected decimal\(3,1\)/],
  ];
  for (const [field, value, words] of cases) {
    assert.throws(
      () => read(field, value),
      (error) => error instanceof ValueError && words.test(error.message),
      `${field.dtype} ${value}`,
    );
  }
  const exact = { ...RULES, bigIntegers: true };
  assert.throws(() => read({ dtype: "int64" }, 7, exact), /expected int64/);
});
