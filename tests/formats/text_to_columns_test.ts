/** The loops of common spellings against the general parser. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { valueReader } from "../../src/arrow/mod.ts";
import { ValueError } from "../../src/core/errors.ts";
import { parseText } from "../../src/core/values/values.ts";
import { resolveDialect } from "../../src/formats/csv/dialect.ts";
import { createLiterals as csvSpelling } from "../../src/formats/csv/literals.ts";
import { ColumnFiller, fillColumns, openColumn } from "../../src/formats/text/text_to_columns.ts";
import {
  createLiterals as jsonSpelling,
  spanPutter,
} from "../../src/formats/json/syntax/literals.ts";
import type { Field } from "../../src/models/field.ts";
import { comparable } from "../conformance/values.ts";
import { field } from "./json/support.ts";

const DTYPES = ["date", "time", "timestamp", "timestamp_tz"] as const;

/** The texts as values of CSV, quoted or not, or as strings of JSON. */
function readAll(texts: readonly string[], one: Field, how: "csv" | "quoted" | "json"): unknown[] {
  const column = openColumn(one);
  const before = how === "csv" ? "," : '"';
  const parts = texts.map((text) => how === "json" ? JSON.stringify(text).slice(1, -1) : text);
  const bytes = new TextEncoder().encode(`___${before}${parts.join(before)}${before}`.padEnd(99));
  const spans = new Int32Array(texts.length * 2);
  let at = 4;
  parts.forEach((part, i) => {
    const end = at + new TextEncoder().encode(part).length;
    if (how === "json") spanPutter(one)(bytes, at - 1, end + 1, part.includes("\\"), spans, i * 2);
    else spans.set([at, end], i * 2);
    at = end + 1;
  });
  const spelling = how === "json"
    ? jsonSpelling(one, column)
    : csvSpelling(one, column, resolveDialect({}, ","));
  const padded = new Uint8Array(bytes.length + 16);
  padded.set(bytes);
  fillColumns(
    [new ColumnFiller(one, column, 0, spelling)],
    { bytes: padded, spans, stride: 2 },
    texts.length,
  );
  const data = column.take();
  const value = valueReader(one, data);
  return texts.map((_, row) => comparable(value(row)));
}

function read(text: string, dtype: typeof DTYPES[number]): unknown {
  const one = field("v", dtype);
  const [quoted] = readAll([text], one, "quoted");
  assert.equal(readAll([text], one, "json")[0], quoted);
  return quoted;
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
const zone = fc.oneof(
  fc.constantFrom("", "Z", "z", " Z", "+1", "+24", "-23:59", "+02:60", "+02:00:30", "-00:00"),
  fc.stringMatching(/^[+-]\d{2,4}$/),
  fc.stringMatching(/^[+-]\d\d:[0-6]\d$/),
);
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

const number = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."0123456789.-+eE"), minLength: 1, maxLength: 24 }),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.integer().map(String),
  fc.tuple(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), fc.nat(9)).map(([value, scale]) =>
    `${value}.${"123456789".slice(0, scale)}`
  ),
);
const INTEGERS = [
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
] as const;
const numberField = fc.oneof(
  fc.constantFrom(...INTEGERS).map((dtype) => field("v", dtype)),
  fc.tuple(fc.integer({ min: 1, max: 76 }), fc.nat(76)).filter(([p, s]) => s <= p)
    .map(([precision, scale]) => field("v", "decimal", { precision, scale })),
);

Deno.test("whole numbers and decimals are read as parseText reads them", () => {
  fc.assert(
    fc.property(number, numberField, fc.constantFrom("csv", "quoted", "json"), (text, one, how) => {
      assert.equal(
        orError(() => readAll([text], one, how)[0]),
        orError(() => comparable(parseText(text, one))),
        `${text} as ${one.dtype}`,
      );
    }),
    { numRuns: 20_000 },
  );
});

Deno.test("truth values are read as parseText reads them", () => {
  const texts = ["true", "false", "t", "f", "1", "0", "T", "TRUE", "False", "tru", "fals", "yes"];
  const one = field("v", "bool");
  for (const text of texts) {
    assert.equal(
      orError(() => readAll([text], one, "csv")[0]),
      orError(() => comparable(parseText(text, one))),
    );
  }
});

Deno.test("texts of any length are read whole, between others and NULLs", () => {
  const texts = fc.array(
    fc.string({ unit: fc.constantFrom("a", "ż", "🦕", "\\", " "), maxLength: 200 }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(fc.property(texts, fc.constantFrom("csv", "quoted", "json"), (values, how) => {
    const wanted = values.map((text) => text === "" && how === "csv" ? null : text);
    assert.deepEqual(readAll(values, field("v", "string"), how), wanted.map(comparable));
  }));
});

Deno.test("of the wrong values of a slice the first record's first is reported", () => {
  const fields = [field("a", "int32"), field("b", "date"), field("c", "bool")];
  const bytes = new TextEncoder().encode(`.1,2024-01-01,t,2,x,t,y,z,f${" ".repeat(16)}`);
  const spans = Int32Array.from([
    1,
    2,
    3,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
  ]);
  const fillers = fields.map((one, i) => {
    const column = openColumn(one);
    return new ColumnFiller(one, column, i * 2, csvSpelling(one, column, resolveDialect({}, ",")));
  });
  assert.throws(() => fillColumns(fillers, { bytes, spans, stride: 6 }, 3), {
    message: /field "b", row 2: expected date .*, value is "x"/,
  });
});
