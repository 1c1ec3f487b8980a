/** The quick readers of text and doubles give what the exact ones give. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { createColumn, valueReader } from "../../../src/arrow/mod.ts";
import { exactDecimal, parseText, plainDecimal } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { clockReader } from "../../../src/providers/relational/values/datetime_text.ts";
import { rawPusher } from "../../../src/providers/relational/sqlite/types/raw_values.ts";
import { unscaledReader } from "../../../src/providers/relational/values/driver_values.ts";
import { comparable } from "../../conformance/values.ts";
import { field } from "./sqlite/support.ts";

const number = (max: number, width = 2) =>
  fc.integer({ min: 0, max }).map((n) => String(n).padStart(width, "0"));
const date = fc.tuple(number(9999, 4), number(13), number(32)).map((parts) => parts.join("-"));
const fraction = fc.oneof(
  fc.constant(""),
  fc.stringMatching(/^\.[0-9]{0,7}$/),
);
const time = fc.tuple(number(24), number(60), number(60), fraction)
  .map(([h, m, s, f]) => `${h}:${m}:${s}${f}`);
const timestamp = fc.tuple(date, fc.constantFrom(" ", "T", "_"), time).map((parts) =>
  parts.join("")
);
const zoned = fc.tuple(timestamp, fc.constantFrom("Z", "+00:00", "-05:30", "", "z"))
  .map((parts) => parts.join(""));

const TEXTS = { date, time, timestamp, timestamp_tz: zoned } as const;

function attempt<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    return (error as Error).name;
  }
}

function viaColumn(text: string, of: Field): unknown {
  const column = createColumn(of);
  rawPusher(of, column)(text);
  return valueReader(of, column.take())(0);
}

Deno.test("texts of dates and times are read as parseText reads them, or refused like it", () => {
  for (const [dtype, texts] of Object.entries(TEXTS)) {
    const of = field("x", dtype as Field["dtype"]);
    const mutated = fc.oneof(
      texts,
      fc.tuple(texts, fc.nat(30), fc.string({ maxLength: 2 }))
        .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + put.length)),
    );
    fc.assert(
      fc.property(mutated, (text) => {
        const wanted = attempt(() => comparable(parseText(text, of)));
        assert.deepEqual(attempt(() => comparable(viaColumn(text, of))), wanted, text);
      }),
      { numRuns: 3000 },
    );
  }
});

Deno.test("the keys of dates rise with the dates", () => {
  const read = clockReader(field("x", "date"));
  let before = -Infinity;
  for (let day = new Temporal.PlainDate(0, 1, 1); day.year < 2101; day = day.add({ days: 13 })) {
    const key = read(day.toString()) as number;
    assert.ok(before === -Infinity || key - before === 13, day.toString());
    before = key;
  }
});

Deno.test("a double is the decimal of its fewest digits, or none", () => {
  const digits = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat(20))
    .map(([precision, scale]) => ({ precision, scale: Math.min(precision, scale) }));
  const doubles = fc.oneof(
    fc.double({ noNaN: true }),
    fc.tuple(fc.integer(), fc.integer({ min: 0, max: 6 })).map(([n, s]) => n / 10 ** s),
  );
  fc.assert(
    fc.property(doubles, digits, (value, { precision, scale }) => {
      const text = exactDecimal(plainDecimal(value), precision, scale);
      const wanted = text === undefined ? undefined : BigInt(text.replace(".", ""));
      const read = unscaledReader(field("x", "decimal", { precision, scale }));
      assert.equal(read(value), wanted);
    }),
    { numRuns: 5000 },
  );
});
