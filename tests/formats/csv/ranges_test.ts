/** Parts of a CSV file: each ends where the next one begins, or the guess is seen to be wrong. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readRecords } from "../../../src/arrow/mod.ts";
import { ValidationError } from "../../../src/core/errors.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import csv from "../../../src/formats/csv/csv.ts";
import { isDivisible, readRange, splitPoints, START } from "../../../src/formats/csv/ranges.ts";
import type { Position } from "../../../src/formats/csv/records.ts";
import type { Field } from "../../../src/models/field.ts";
import type { FormatOptions } from "../../../src/models/format.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf, readAll, writeAll } from "../json/support.ts";

const FIELDS = ["column_1", "column_2"].map((name) => field(name, "string"));

async function part(
  content: string | Uint8Array,
  fields: readonly Field[],
  from: Position,
  end: number,
  options: FormatOptions = {},
): Promise<{ records: DXTRecord[]; end: Position }> {
  const request = {
    projections: fields.map((one) => ({ field: one, column: one.name })),
    batchRows: 3,
    batchBytes: 1 << 20,
    compression: "none" as const,
    options,
    recycle: true,
  };
  const records: DXTRecord[] = [];
  const reading = readRange(inputOf(content), ",", request, from, end);
  for (;;) {
    const { done, value } = await reading.next();
    if (done === true) return { records, end: value };
    records.push(...readRecords(value));
  }
}

const cell = fc.option(
  fc.string({ unit: fc.constantFrom('"', ",", "\n", "\r", "a", "ż"), maxLength: 6 }),
  { nil: null },
);
const table = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 30 });
const dialect = fc.constantFrom<FormatOptions>({}, { header: false }, { line_end: "\r\n" });

Deno.test("parts that begin where the ones before end hold every record once", async () => {
  await fc.assert(
    fc.asyncProperty(table, dialect, fc.integer({ min: 1, max: 9 }), async (rows, options, n) => {
      const records = rows.map(([column_1, column_2]) => ({ column_1, column_2 }));
      const bytes = await writeAll(csv, FIELDS, records, options);
      const read: DXTRecord[] = [];
      let at: Position = START;
      for (let i = 1; i <= n; i++) {
        const end = Math.floor(bytes.length * i / n);
        const { records, end: next } = await part(bytes, FIELDS, at, end, options);
        read.push(...records);
        assert.ok(next.offset >= end || at.offset > end);
        assert.equal(next.rows, read.length);
        at = next;
      }
      assert.deepEqual(read, records);
      assert.equal(at.offset, bytes.length);
    }),
    { numRuns: 500 },
  );
});

Deno.test("the points that are found are beginnings of records, with quotes and line ends in them", async () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    const lines = Array.from({ length: 5000 }, (_, i) => {
      const text = i % 3 === 0 ? `"say ""hi"",${end}${i},twice${end}"` : `plain ${i}`;
      return `${i},${text},${i % 7}`;
    });
    const content = `\ufeffid,text,n${end}${lines.join(end)}${end}`;
    const points = await splitPoints(inputOf(content), ",", {}, 8);
    assert.equal(points.length, 7);
    const fields = [field("id", "int64"), field("text", "string"), field("n", "int8")];
    const size = new TextEncoder().encode(content).length;
    const read: DXTRecord[] = [];
    let at: Position = START;
    for (const point of [...points, size]) {
      const { records, end } = await part(content, fields, at, point);
      assert.equal(end.offset, point);
      read.push(...records);
      at = end;
    }
    assert.deepEqual(read, await readAll(csv, inputOf(content), fields));
  }
});

Deno.test("a point inside quotes that looks like a record is not where the part before it ends", async () => {
  const inside = Array.from({ length: 200 }, (_, i) => `${i},x`).join("\n");
  const content = `a,b\n1,"${inside}"\n2,y\n`;
  assert.deepEqual(await splitPoints(inputOf(content), ",", {}, 2), [content.indexOf("2,y")]);
  const fields = [field("a", "int64"), field("b", "string")];
  const wanted = [{ a: 1n, b: inside }, { a: 2n, b: "y" }];
  const guess = content.indexOf("\n", content.length / 2) + 1;
  const first = await part(content, fields, START, guess);
  assert.notEqual(first.end.offset, guess);
  const rest = await part(content, fields, first.end, content.length);
  assert.deepEqual([...first.records, ...rest.records], wanted);
});

Deno.test("errors of a later part tell row and line of the file where its position does", async () => {
  const content = 'a,b\n1,"x\ny"\n2,z\nq,z\n3\n';
  const fields = [field("a", "int64"), field("b", "string")];
  const { end } = await part(content, fields, START, 5);
  assert.deepEqual(end, { offset: 12, rows: 1, lines: 3 });
  await assert.rejects(part(content, fields, end, content.length), {
    message: /"a", row 3: expected int64, line 5, value is "q"/,
  });
  const later = content.indexOf("3\n");
  await assert.rejects(
    part(content, fields, { offset: later, rows: 3, lines: 5 }, content.length),
    /line 6: it has 1 fields, expected 2/,
  );
  const broken = new Uint8Array([...new TextEncoder().encode("a,b\n1,2\n"), 0xff, 0x0a]);
  await assert.rejects(
    part(broken, fields, { offset: 8, rows: 1, lines: 2 }, broken.length),
    (error) => error instanceof ValidationError && /malformed near byte 8/.test(error.message),
  );
});

Deno.test("only plain UTF-8 is divided, and a file too small is not", async () => {
  assert.ok(isDivisible({ compression: "none", options: {} }));
  assert.ok(!isDivisible({ compression: "gzip", options: {} }));
  assert.ok(!isDivisible({ compression: "none", options: { encoding: "latin-1" } }));
  for (const content of ["", "a,b\n", "a,b"]) {
    assert.deepEqual(await splitPoints(inputOf(content), ",", {}, 4), []);
  }
});

Deno.test("batches in memory that is used again hold the same values of every type", async () => {
  const fields = FIELDS_OF_EVERY_TYPE;
  const records = Array.from({ length: 5 }, extremes).flat();
  const bytes = await writeAll(csv, fields, records);
  const { records: read } = await part(bytes, fields, START, bytes.length);
  assert.deepEqual(comparableRecords(read), comparableRecords(records));
});
