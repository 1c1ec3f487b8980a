import assert from "node:assert/strict";
import fc from "fast-check";
import type { DXTType } from "../../src/models/dtype.ts";
import { ValueError } from "../../src/core/errors.ts";
import {
  decimalParts,
  float32Text,
  floatHolds,
  nearestFloat,
} from "../../src/core/values/number_text.ts";
import { parseText } from "../../src/core/values/values.ts";

Deno.test("a number's digits and exponent are reported for every usual spelling", () => {
  const table: readonly (readonly [text: string, digits: string, exponent: number])[] = [
    ["0", "", 0],
    ["-0.00e7", "", 0],
    ["100", "1", 2],
    ["0.0120", "12", -3],
    [".5", "5", -1],
    ["5.", "5", 0],
    ["+12e-3", "12", -3],
    ["12.50E+2", "125", 1],
  ];
  for (const [text, digits, exponent] of table) {
    const negative = text.startsWith("-");
    assert.deepEqual(decimalParts(text), { negative, digits, exponent }, text);
  }
  for (const text of ["", ".", "-", "e5", "1e", "0x1", "1,5", " 1", "1_000", "Infinity", "NaN"]) {
    assert.equal(decimalParts(text), undefined, text);
  }
});

for (const dtype of ["float32", "float64"] as const satisfies DXTType[]) {
  const field = { name: "f", dtype, nullable: true };
  const value = dtype === "float32"
    ? fc.float({ noNaN: true, noDefaultInfinity: true })
    : fc.double({ noNaN: true, noDefaultInfinity: true });

  Deno.test(`every ${dtype} is held in its shortest spelling, in full and rounded to 6 digits`, () => {
    fc.assert(fc.property(value, (number) => {
      assert.ok(floatHolds(String(number), number, dtype));
      assert.ok(floatHolds(number.toExponential(), number, dtype));
      const short = number.toPrecision(6);
      const rounded = nearestFloat(short, dtype);
      if (Math.abs(rounded) > 1e-30) assert.ok(floatHolds(short, rounded, dtype), short);
    }));
  });

  Deno.test(`text of many digits is read as the ${dtype} that has them all, or refused`, () => {
    const digits = fc.tuple(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), fc.nat(30));
    fc.assert(fc.property(digits, ([whole, scale]) => {
      const text = `${whole}e-${scale}`;
      try {
        const read = parseText(text, field) as number;
        assert.ok(floatHolds(text, read, dtype), text);
      } catch (error) {
        assert.ok(error instanceof ValueError, String(error));
        assert.ok(!floatHolds(text, nearestFloat(text, dtype), dtype), text);
      }
    }));
  });
}

Deno.test("text of a float32 has the fewest digits that are read as the same number", () => {
  const texts = ["0.1", "3.4028235e+38", "1e-45", "-0", "16777216", "1.1754944e-38", "Infinity"];
  for (const text of texts) assert.equal(float32Text(Math.fround(Number(text))), text);
  const field = { name: "f", dtype: "float32", nullable: true } as const;
  fc.assert(fc.property(fc.float(), (number) => {
    const text = float32Text(number);
    assert.ok(Object.is(parseText(text, field), number), text);
    assert.ok(Object.is(number, -0) || text.length <= String(number).length);
  }));
});
