import assert from "node:assert/strict";
import fc from "fast-check";
import { formatRecords } from "../../../src/cli/output/record_table.ts";
import { formatTable } from "../../../src/cli/output/table.ts";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import { cellText, jsonRecord, toJSON } from "../../../src/cli/output/format_value.ts";
import { JSONText, type Value } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";

const plain = (text: string) => ({ text });
const text = (name: string): Field => ({ name, dtype: "string", nullable: true });

Deno.test("NULL is told from the empty text, the text NULL, and texts in quotes or with spaces", () => {
  const values: [Value, string][] = [
    [null, "NULL"],
    ["", '""'],
    ["NULL", '"NULL"'],
    ['"NULL"', '"\\"NULL\\""'],
    [" x", '" x"'],
    ["x", "x"],
    ["null", "null"],
    [-0, "-0"],
    [2n ** 63n - 1n, "9223372036854775807"],
    [new Uint8Array([1, 255]), "0x01ff"],
    [Temporal.PlainDate.from("2024-02-29"), "2024-02-29"],
  ];
  for (const [value, shown] of values) assert.equal(cellText(value), shown);
  assert.equal(cellText(Math.fround(0.1), "float32"), "0.1");
  assert.equal(new Set(values.map(([value]) => cellText(value))).size, values.length);
});

Deno.test("JSON of a record keeps every digit, NaN, and JSON as it was written", () => {
  const row: Value[] = [
    9007199254740993n,
    "10.10",
    NaN,
    -0,
    null,
    new JSONText('{"a":1.10,"b":12345678901234567890}'),
    Temporal.Instant.from("2024-01-01T00:00:00.123456Z"),
    'q"\n',
    Math.fround(0.1),
  ];
  const names = ["i", "d", "n", "z", "null", "j", "t", "__proto__", "f"];
  const fields = names.map((name): Field => ({
    name,
    dtype: name === "f" ? "float32" : "string",
    nullable: true,
  }));
  assert.equal(
    jsonRecord(fields, row),
    '{"i":"9007199254740993","d":"10.10","n":"NaN","z":-0,"null":null,' +
      '"j":{"a":1.10,"b":12345678901234567890},"t":"2024-01-01T00:00:00.123456Z",' +
      '"__proto__":"q\\"\\n","f":0.1}',
  );
  fc.assert(fc.property(fc.double(), (number) => {
    const back: unknown = JSON.parse(toJSON(number));
    assert.ok(Object.is(typeof back === "string" ? Number(back) : back, number));
  }));
});

Deno.test("a grid fits the terminal whatever it holds, and tells what had no room", () => {
  fc.assert(fc.property(
    fc.array(
      fc.array(fc.string({ unit: "grapheme", maxLength: 100 }), {
        minLength: 12,
        maxLength: 12,
      }),
      { maxLength: 4 },
    ),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 20, max: 220 }),
    (rows, columns, width) => {
      const fields = Array.from({ length: columns }, (_, i) => text(`field ${i}`));
      const values = rows.map((row) => row.slice(0, columns));
      const grid = formatRecords(fields, values, width, plain);
      assert.equal(grid.columns.length + grid.hidden.length, columns);
      for (const line of formatTable(grid.columns, grid.rows)) {
        assert.ok(displayWidth(line) <= width);
      }
      const all = formatRecords(fields, values, undefined, plain);
      assert.deepEqual(all.hidden, []);
      assert.equal(all.columns.length, columns);
    },
  ));
});

Deno.test("numbers stand right, texts left, a wide text is cut with an ellipsis", () => {
  const fields: Field[] = [
    { name: "n", dtype: "int64", nullable: false },
    text("words"),
    { name: "total", dtype: "decimal", precision: 10, scale: 2, nullable: true },
  ];
  const rows = [[7n, "a".repeat(100), "1.50"], [1234n, "b", null]];
  const { columns, rows: cells } = formatRecords(fields, rows, 40, plain);
  assert.deepEqual(formatTable(columns, cells), [
    "   n  words                        total",
    `   7  ${"a".repeat(26)}…   1.50`,
    "1234  b                             NULL",
  ]);
});
