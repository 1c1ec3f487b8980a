/** Masking: values of the same type and shape, equal for equal values, different for different ones. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  INTEGER_BOUNDS,
  type IntegerType,
  JSONText,
  type Value,
} from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import { Masker } from "../../src/runner/record/masker.ts";
import { describeWritten } from "../../src/runner/record/written_source.ts";
import { Permutation } from "../../src/runner/record/permute_symbols.ts";

const keyOf = (text: string) => new TextEncoder().encode(text);
const masker = new Masker(keyOf("a key of the tests"));
const mask = (value: Value, dtype: Field["dtype"]) => masker.mask(value, { dtype });
const text = (value: string) => String(mask(value, "string"));

Deno.test("a text keeps its length, its punctuation and the alphabet of each letter", () => {
  const shapes = [
    ["ann.smith@example.com", /^[a-z]{3}\.[a-z]{5}@[a-z]{7}\.[a-z]{3}$/],
    ["+49 170 1234567", /^\+\d\d \d{3} \d{7}$/],
    ["Müller-Łęcki", /^[A-Z]\p{Ll}[a-z]{4}-\p{Lu}\p{Ll}[a-z]{3}$/u],
    ["Анна 東京 서울", /^\p{Lu}\p{Ll}{3} \p{L}{2} \p{L}{2}$/u],
    ["5f0c21aa-9b1c-4e5f-8a3d-0123456789ab", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
    ["007", /^\d{3}$/],
  ] as const;
  for (const [value, shape] of shapes) {
    assert.match(text(value), shape);
    assert.notEqual(text(value), value);
    assert.equal(text(value), text(value));
    assert.equal([...text(value)].length, [...value].length);
  }
  assert.equal(text(""), "");
  assert.equal(text(" -- "), " -- ");
});

Deno.test("different texts of one shape stay different, and each has an origin", () => {
  const pairs = Array.from(
    { length: 26 * 26 },
    (_, i) => String.fromCharCode(97 + i % 26, 97 + Math.floor(i / 26)),
  );
  assert.equal(new Set(pairs.map(text)).size, pairs.length);
  assert.deepEqual(pairs.map(text).sort(), [...pairs].sort());
  const numbers = Array.from({ length: 900 }, (_, i) => BigInt(100 + i));
  const masked = numbers.map((value) => mask(value, "int64") as bigint);
  assert.equal(new Set(masked).size, numbers.length);
  assert.ok(masked.every((value) => 100n <= value && value <= 999n));
  const equal = numbers.filter((value, i) => masked[i] === value).length;
  assert.ok(equal < 15, `${equal} of 900 numbers are what they were`);
  const texts = fc.sample(fc.string({ unit: "grapheme-composite", maxLength: 90 }), 300);
  assert.equal(new Set(texts.map(text)).size, new Set(texts).size);
});

Deno.test("a number keeps its digits, its sign and its type, as a text, too", () => {
  for (const dtype of Object.keys(INTEGER_BOUNDS) as IntegerType[]) {
    const [least, most] = INTEGER_BOUNDS[dtype];
    const isLong = dtype.endsWith("64");
    for (const value of [least, most, 0n, 7n, most / 2n, least < 0n ? -13n : 13n]) {
      const masked = mask(isLong ? value : Number(value), dtype);
      assert.equal(typeof masked, isLong ? "bigint" : "number");
      assert.ok(least <= BigInt(masked as bigint) && BigInt(masked as bigint) <= most);
      assert.equal(String(masked).length, String(value).length, `${dtype} ${value}`);
      assert.equal(masked as bigint < 0n, value < 0n);
    }
  }
  assert.equal(text("4711"), String(mask(4711, "int32")));
  assert.match(String(mask("12345.60", "decimal")), /^[1-9]\d{4}\.\d\d$/);
  assert.match(String(mask("-0.50", "decimal")), /^-0\.\d\d$/);
  assert.equal(mask("0.00", "decimal"), "0.00");
  for (const value of [1.5, 1e300, 5e-324, 1.7976931348623157e308, -0.1]) {
    const masked = mask(value, "float64") as number;
    assert.ok(Number.isFinite(masked));
    assert.equal(Math.sign(masked), Math.sign(value));
  }
  const single = mask(3.4028234663852886e38, "float32") as number;
  assert.equal(single, Math.fround(single));
  for (const value of [NaN, Infinity, 0]) assert.equal(mask(value, "float64"), value);
});

Deno.test("dates move by the same number of weeks, also within texts; those without a meaning stay", () => {
  const [one, other] = ["2024-01-31", "2024-03-01"].map((day) => Temporal.PlainDate.from(day));
  const [first, second] = [one!, other!].map((day) => mask(day, "date") as Temporal.PlainDate);
  assert.equal(first!.dayOfWeek, one!.dayOfWeek);
  assert.equal(second!.since(first!).days, other!.since(one!).days);
  assert.ok(first!.until(one!).days >= 364);
  const stamp = Temporal.Instant.from("2024-01-31T12:30:00.123456Z");
  assert.equal(String(mask(stamp, "timestamp_tz")), `${first}T12:30:00.123456Z`);
  const local = Temporal.PlainDateTime.from("2024-01-31T12:30:00");
  assert.equal(String(mask(local, "timestamp")), `${first}T12:30:00`);
  assert.equal(text("2024-01-31 12:30:00"), `${first} 12:30:00`);
  for (const never of ["9999-12-31", "0001-01-01"]) {
    assert.equal(String(mask(Temporal.PlainDate.from(never), "date")), never);
  }
  assert.equal(mask("infinity", "date"), "infinity");
  const noon = Temporal.PlainTime.from("12:30");
  assert.equal(mask(noon, "time"), noon);
});

Deno.test("JSON keeps its names and its form, but for names that are values", () => {
  const value = '{"name": "Ann \\"A\\"", "n": [12, -3.50, 1e5, true, null], "ann@example.com": 1}';
  const masked = (mask(new JSONText(value), "json") as JSONText).text;
  assert.match(
    masked,
    /^\{"name": "[A-Z][a-z]{2} \\"[A-Z]\\"", "n": \[[1-9]\d, -[1-9]\.\d\d, [1-9]e5, true, null\], "[a-z]{3}@[a-z]{7}\.[a-z]{3}": [1-9]\}$/,
  );
  fc.assert(fc.property(fc.json(), (any) => {
    JSON.parse((mask(new JSONText(any), "json") as JSONText).text);
  }));
});

Deno.test("bytes keep their number, booleans and NULL stay", () => {
  const bytes = mask(keyOf("secret"), "binary") as Uint8Array;
  assert.equal(bytes.length, 6);
  assert.notDeepEqual(bytes, keyOf("secret"));
  assert.equal((mask(new Uint8Array(5000), "binary") as Uint8Array).length, 5000);
  assert.equal(mask(true, "bool"), true);
  assert.equal(mask(null, "string"), null);
});

Deno.test("another key masks otherwise, the same key alike", () => {
  const [same, other] = ["a key of the tests", "another key"].map((key) => new Masker(keyOf(key)));
  assert.equal(same!.mask("Ann Smith", { dtype: "string" }), text("Ann Smith"));
  assert.notEqual(other!.mask("Ann Smith", { dtype: "string" }), text("Ann Smith"));
});

Deno.test("a permutation of any radices gives each sequence once", () => {
  const permutation = new Permutation(keyOf("key"));
  for (const radices of [[2], [3, 2], [2, 3, 5], [10, 1, 4]]) {
    const all = radices.reduce<number[][]>(
      (found, radix) =>
        found.flatMap((one) => Array.from({ length: radix }, (_, i) => [...one, i])),
      [[]],
    );
    const masked = all.map((symbols) =>
      permutation.apply(symbols.map((symbol, i) => ({ symbol, radix: radices[i]! })), "").join()
    );
    assert.deepEqual(masked.sort(), all.map(String).sort());
  }
});

Deno.test("the source that a fixture names has no header's secret", () => {
  const source = {
    type: "endpoint",
    path: "orders?token=abcdefgh",
    headers: { Authorization: "Bearer abcdefgh", Accept: "text/csv" },
  };
  assert.deepEqual(describeWritten(source), {
    type: "endpoint",
    path: "orders?token=***",
    headers: { Authorization: "***", Accept: "text/csv" },
  });
});
