import assert from "node:assert/strict";
import fc from "fast-check";
import { columnFor, valueReader } from "../../src/arrow/mod.ts";
import { ValueError } from "../../src/core/errors.ts";
import { parseText } from "../../src/core/values.ts";
import { jsonPusher } from "../../src/formats/json/push.ts";
import { comparable } from "../conformance/values.ts";
import { field } from "./json_support.ts";

const DTYPES = ["date", "time", "timestamp", "timestamp_tz"] as const;

function read(text: string, dtype: typeof DTYPES[number]): unknown {
  const column = columnFor(field("v", dtype));
  const bytes = new TextEncoder().encode(`${JSON.stringify(text)}\0`);
  jsonPusher(field("v", dtype), column)(bytes, 0, bytes.length - 1);
  return comparable(valueReader(field("v", dtype), column.take())(0));
}

const orError = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof ValueError, String(error));
    return "error";
  }
};

const two = fc.integer({ min: 0, max: 62 }).map((n) => String(n).padStart(2, "0"));
const year = fc.oneof(
  fc.integer({ min: 0, max: 9999 }),
  fc.constantFrom(0, 1, 4, 100, 400, 1900, 1969, 1970, 2000, 2023, 2024, 9999),
).map((n) => String(n).padStart(4, "0"));
const month = fc.integer({ min: 0, max: 13 }).map((n) => String(n).padStart(2, "0"));
const day = fc.oneof(fc.integer({ min: 0, max: 32 }), fc.constantFrom(28, 29, 30, 31))
  .map((n) => String(n).padStart(2, "0"));
const date = fc.tuple(year, month, day).map((parts) => parts.join("-"));
const fraction = fc.oneof(
  fc.constant(""),
  fc.stringMatching(/^\.\d{0,9}$/),
  fc.stringMatching(/^[.,]\d{1,6}$/),
);
const time = fc.tuple(two, two, two, fraction).map(([h, m, s, f]) => `${h}:${m}:${s}${f}`);
const zone = fc.constantFrom("", "Z", "z", "+00", "+02:00", "-0330", " Z");
const timestamp = fc.tuple(date, fc.constantFrom("T", " ", "t", ""), time, zone)
  .map((parts) => parts.join(""));
const damaged = fc.tuple(timestamp, fc.nat(), fc.constantFrom("", "0", "-", ":", "x", "é"))
  .map(([text, at, by]) => {
    const from = at % (text.length + 1);
    return text.slice(0, from) + by + text.slice(from + 1);
  });

Deno.test("dates and times are read as parseText reads them", () => {
  fc.assert(
    fc.property(
      fc.oneof(date, time, timestamp, damaged),
      fc.constantFrom(...DTYPES),
      (text, dtype) => {
        assert.equal(
          orError(() => read(text, dtype)),
          orError(() => comparable(parseText(text, field("v", dtype)))),
          text,
        );
      },
    ),
    { numRuns: 20_000 },
  );
});

Deno.test("ends of the calendar are read exactly", () => {
  assert.equal(read("0000-01-01", "date"), "PlainDate 0000-01-01");
  assert.equal(read("2000-02-29", "date"), "PlainDate 2000-02-29");
  assert.equal(
    read("9999-12-31T23:59:59.999999Z", "timestamp_tz"),
    "Instant 9999-12-31T23:59:59.999999Z",
  );
  assert.equal(
    read("1969-12-31 23:59:59.999999", "timestamp"),
    "PlainDateTime 1969-12-31T23:59:59.999999",
  );
  assert.equal(read("infinity", "timestamp"), "infinity");
});
