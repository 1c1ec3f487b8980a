/** What numbers without bounds need, and columns of them as decimals. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { buildBatches, readRecords } from "../../src/arrow/mod.ts";
import { exactDecimal } from "../../src/core/values/values.ts";
import {
  convertToDecimals,
  measureDigits,
  measureNumbers,
} from "../../src/formats/inference/number_columns.ts";
import type { Field } from "../../src/models/field.ts";
import { stagedOf } from "../support/staged.ts";

const FIELD: Field = { name: "s", dtype: "string", number: true, nullable: true };
const utf8 = new TextEncoder();

async function decimalOf(values: readonly (string | null)[]) {
  const staged = stagedOf([FIELD], values.map((s) => ({ s })));
  return (await measureNumbers(staged)).get("s")!.decimal;
}

/** Values, and the decimal that holds all of them. */
const DECIMALS: [string, (string | null)[], { precision: number; scale: number } | undefined][] = [
  ["whole numbers", ["1", "-20", "300"], { precision: 38, scale: 0 }],
  ["the most digits after the point", ["1.5", "2.25", "3"], { precision: 38, scale: 2 }],
  ["closing zeros, which are shown", ["1.500"], { precision: 38, scale: 3 }],
  ["what avg gives", ["2.5000000000000000", null], { precision: 38, scale: 16 }],
  ["leading zeros, which are none", ["0.001", "000012"], { precision: 38, scale: 3 }],
  ["closing zeros that there is no room for", [`${"9".repeat(30)}.${"0".repeat(10)}`], {
    precision: 38,
    scale: 0,
  }],
  ["more than 38 digits", [`${"9".repeat(30)}.${"1".repeat(10)}`], { precision: 76, scale: 10 }],
  ["digits of two values together", ["9".repeat(30), `0.${"1".repeat(20)}`], {
    precision: 76,
    scale: 20,
  }],
  ["no value", [null, null], { precision: 38, scale: 18 }],
  ["no row", [], { precision: 38, scale: 18 }],
  ["more than 76 digits", ["9".repeat(77)], undefined],
  ["NaN", ["1.5", "NaN"], undefined],
  ["an infinity", ["-Infinity"], undefined],
  ["what is no number at all", ["1e5"], undefined],
  ["an empty text", [""], undefined],
];

for (const [what, values, decimal] of DECIMALS) {
  Deno.test(`${what}: ${decimal === undefined ? "no decimal" : "a decimal"} holds them`, async () => {
    assert.deepEqual(await decimalOf(values), decimal);
  });
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^\\d{1,${max}}$`));
const numbers = fc.tuple(fc.boolean(), digits(20), fc.option(digits(18)))
  .map(([negative, whole, part]) =>
    `${negative ? "-" : ""}${whole}${part === null ? "" : `.${part}`}`
  );

Deno.test("a column as a decimal has the very same numbers, whatever their digits", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(numbers), { minLength: 1, maxLength: 30 }),
      async (texts) => {
        const decimal = (await decimalOf(texts))!;
        const to: Field = { name: "s", dtype: "decimal", ...decimal, nullable: true };
        for await (
          const batch of buildBatches([FIELD], texts.map((s) => ({ s })), { rows: 99, bytes: 1e6 })
        ) {
          const column = convertToDecimals(batch.data.children[0]!, to);
          const { wrapBatch, arrowSchema } = await import("../../src/arrow/mod.ts");
          const read = readRecords(wrapBatch(arrowSchema([to]), [column], texts.length));
          assert.deepEqual(
            Array.from(read, ({ s }) => s),
            texts.map((text) => text && exactDecimal(text, decimal.precision, decimal.scale)),
          );
        }
      },
    ),
  ));

Deno.test("the digits of a number are counted without zeros that mean nothing", () => {
  const count = (text: string) => {
    const bytes = utf8.encode(text);
    return Object.values(measureDigits(bytes, 0, bytes.length) ?? {});
  };
  for (
    const [text, ...wanted] of [
      ["0", 0, 0, 0, 0],
      ["-0.00", 0, 2, 0, 0],
      ["100", 3, 0, 0, 1],
      ["007.10", 1, 2, 1, 2],
      ["0.0012", 0, 4, 4, 2],
      ["1000.0001", 4, 4, 4, 8],
      ["-12345678901234567890", 20, 0, 0, 19],
    ] as const
  ) assert.deepEqual(count(text), wanted, text);
  for (const text of ["", "-", ".", "1.", ".5", "1.2.3", "+1", "1e5", "NaN", "0x1", " 1", "1,5"]) {
    assert.deepEqual(count(text), [], text);
  }
});
