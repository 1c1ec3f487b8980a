/** Types that texts tell. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatValue, parseText } from "../../src/core/values/values.ts";
import { TextTypeGuess } from "../../src/formats/inference/type_inference.ts";

function guess(texts: readonly string[], inBytes = false): string {
  const guess = new TextTypeGuess();
  for (const text of texts) {
    if (!inBytes) {
      guess.add(text);
      continue;
    }
    const bytes = new TextEncoder().encode(`,${text},0000-00-00T00:00:00`);
    guess.addBytes(bytes, 1, bytes.length - 20);
  }
  const { dtype, precision, scale } = guess.field("f");
  return dtype === "decimal" ? `decimal(${precision},${scale})` : dtype;
}

const CASES: readonly (readonly [string, readonly string[], string])[] = [
  ["no text", [], "string"],
  ["an empty text", [""], "string"],
  ["a blank", [" "], "string"],
  ["whole numbers", ["0", "1", "-17"], "int64"],
  ["a leading zero", ["1", "007"], "string"],
  ["a plus", ["+5"], "string"],
  ["blanks beside a number", [" 5"], "string"],
  ["minus zero, which int64 does not have", ["-0"], "string"],
  ["the bounds of int64", ["-9223372036854775808", "9223372036854775807"], "int64"],
  ["one above int64", ["9223372036854775808"], "uint64"],
  ["the highest of uint64", ["0", "18446744073709551615"], "uint64"],
  ["above int64, and below zero", ["9223372036854775808", "-1"], "decimal(38,0)"],
  ["one below int64", ["-9223372036854775809"], "decimal(38,0)"],
  ["one above uint64", ["18446744073709551616"], "decimal(38,0)"],
  ["39 digits", ["1".repeat(39)], "decimal(39,0)"],
  ["76 digits", ["9".repeat(76)], "decimal(76,0)"],
  ["77 digits", ["9".repeat(77)], "string"],
  ["points", ["1.5", "-0.25"], "decimal(38,2)"],
  ["points and whole numbers", ["12", "1.500"], "decimal(38,3)"],
  ["39 digits in all", ["1".repeat(30), `0.${"1".repeat(9)}`], "decimal(39,9)"],
  ["a point without digits", ["1."], "string"],
  ["a point first", [".5"], "string"],
  ["a comma for the point", ["1,5"], "string"],
  ["exponents", ["1e5", "-2.5E-3"], "float64"],
  ["exponents and numbers", ["1", "2.5", "1e5"], "float64"],
  ["16 digits that a double has", ["1e5", "0.1234567890123456"], "float64"],
  ["17 digits that a double has", ["2.2250738585072014e-308"], "float64"],
  ["20 digits, which a double has not", ["1.2345678901234567891e5"], "string"],
  ["a double, and an integer beyond it", ["1e5", "9007199254740993"], "string"],
  ["above a double", ["1e400"], "string"],
  ["below a double", ["1e-400"], "string"],
  ["zero with an exponent", ["0e5", "0.0e1"], "float64"],
  ["not a number", ["NaN", "-Infinity", "1.5"], "float64"],
  ["truth", ["true", "FALSE", "True"], "bool"],
  ["truth and a number", ["true", "1"], "string"],
  ["letters of truth", ["t", "f"], "string"],
  ["dates", ["2024-02-29", "0001-01-01"], "date"],
  ["a day that is not", ["2023-02-29"], "string"],
  ["a month that is not", ["2023-13-01"], "string"],
  ["a date of another order", ["29.02.2024", "02/29/2024"], "string"],
  ["a date without dashes, which is a number", ["20240229"], "int64"],
  ["times", ["12:34:56", "00:00:00.5"], "time"],
  ["hour 24", ["24:00:00"], "string"],
  ["second 60", ["23:59:60"], "string"],
  ["nanoseconds", ["00:00:00.123456789"], "string"],
  ["timestamps", ["2024-02-29T12:00:00", "2024-02-29 12:00:00.123456"], "timestamp"],
  ["dates among timestamps", ["2024-02-29", "2024-02-29T12:00:00"], "timestamp"],
  ["second 60 of a timestamp", ["2016-12-31T23:59:60"], "string"],
  ["instants", ["2024-02-29T12:00:00Z", "2024-02-29 12:00:00+02:00"], "timestamp_tz"],
  ["offsets without minutes", ["2024-02-29 12:00:00+02"], "timestamp_tz"],
  ["instants and timestamps", ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00"], "string"],
  ["dates and numbers", ["2024-02-29", "5"], "string"],
  ["a text after numbers", ["1", "2", "three"], "string"],
  ["a text before numbers", ["three", "1", "2"], "string"],
];

for (const [what, texts, wanted] of CASES) {
  Deno.test(`infer: ${what} is ${wanted}`, () => {
    assert.equal(guess(texts), wanted);
    assert.equal(guess(texts.toReversed()), wanted);
    assert.equal(guess(texts, true), wanted);
    assert.equal(guess(texts.toReversed(), true), wanted);
  });
}

Deno.test("infer: every text can be read as the type it told", () => {
  for (const [, texts] of CASES) {
    const guess = new TextTypeGuess();
    for (const text of texts) guess.add(text);
    const field = guess.field("f");
    assert.equal(field.nullable, true);
    assert.equal(field.inferred, true);
    for (const text of texts) {
      const value = formatValue(parseText(text, field));
      if (field.dtype === "string") assert.equal(value, text);
    }
  }
});

Deno.test("infer: bytes tell what the text tells", () => {
  const part = (least: number, most: number, digits = 2) =>
    fc.integer({ min: least, max: most }).map((n) => String(n).padStart(digits, "0"));
  const time = fc.tuple(
    part(0, 24),
    part(0, 60),
    part(0, 60),
    fc.constantFrom("", ".5", ".1234567"),
  )
    .map(([h, m, s, fraction]) => `${h}:${m}:${s}${fraction}`);
  const date = fc.tuple(part(0, 9999, 4), part(0, 13), part(0, 32)).map((parts) => parts.join("-"));
  const stamp = fc.tuple(date, fc.constantFrom("T", " ", "t"), time).map((parts) => parts.join(""));
  const zone = fc.constantFrom("Z", "z", "+02", "-0330", "+05:45", "+24", "+1", "+02:60");
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."0123456789.-"), minLength: 1, maxLength: 22 }),
    fc.integer().map(String),
    fc.tuple(fc.integer(), fc.nat()).map((parts) => parts.join(".")),
    fc.double().map(String),
    date,
    time,
    stamp,
    fc.tuple(stamp, zone).map((parts) => parts.join("")),
    fc.constantFrom("true", "False", "x", "-", ".", "-0", "0", "-0.0"),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), (texts) => {
      assert.equal(guess(texts, true), guess(texts), texts.join(" | "));
    }),
    { numRuns: 20_000 },
  );
});
