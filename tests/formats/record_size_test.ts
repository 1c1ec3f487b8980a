/** Records that are too large for memory: an error that names the way out, before they are in it. */
import assert from "node:assert/strict";
import { ValidationError } from "../../src/core/errors.ts";
import csv from "../../src/formats/csv/csv.ts";
import type { FileFormat, FileInput } from "../../src/formats/format.ts";
import json from "../../src/formats/json/json.ts";
import jsonl from "../../src/formats/json/jsonl.ts";
import { MAX_FIELDS } from "../../src/formats/text/record_size.ts";
import { field, inferAll, inputOf, readAll } from "./json/support.ts";

const options = { max_record_bytes: 200_000 };
const long = "x".repeat(150_000);

const WITHIN: readonly (readonly [FileFormat, string])[] = [
  [csv, `v\n${long}\n${long}\n`],
  [csv, `v\n"${long}"\n"${long}"\n`],
  [json, `[{"v":"${long}"},{"v":"${long}"}]`],
  [jsonl, `{"v":"${long}"}\n{"v":"${long}"}\n`],
];

Deno.test("a record within the bound is read, however many there are", async () => {
  for (const [format, content] of WITHIN) {
    for (const chunk of [1000, 1 << 20]) {
      const input = inputOf(content, chunk);
      const records = await readAll(format, input, [field("v", "string")], options);
      assert.deepEqual(records.map(({ v }) => (v as string).length), [150_000, 150_000]);
    }
  }
});

/** A file that goes on for ever, and counts what was taken of it. */
function endless(start: string, piece: string): FileInput & { taken: number } {
  const bytes = new TextEncoder().encode(piece.repeat(Math.ceil(10_000 / piece.length)));
  const input = {
    ...inputOf(""),
    name: "test",
    taken: 0,
    open: () =>
      Promise.resolve(ReadableStream.from((function* () {
        yield new TextEncoder().encode(start);
        for (;;) {
          input.taken += bytes.length;
          yield bytes.slice();
        }
      })())),
  };
  return input;
}

const ENDLESS: readonly (readonly [what: string, FileFormat, start: string, piece: string])[] = [
  ["a line", csv, "v\n", "x"],
  ["a header", csv, "", "x"],
  ["a quote that is not closed", csv, 'v\n"', "x\n"],
  ["a string", jsonl, '{"v":"', "x"],
  ["a number", jsonl, '{"v":1', "0"],
  ["a wide value", jsonl, '{"v":[', "1,"],
  ["a key", jsonl, '{"', "x"],
  ["white space", jsonl, '{"v":', " "],
  ["an element", json, '[{"v":1},{"v":"', "x"],
  ["an object", json, '{"v":"', "x"],
];

for (const [what, format, start, piece] of ENDLESS) {
  Deno.test(`${format.name}: ${what} without an end is refused, and no more than twice the bound is read`, async () => {
    const tried = [
      (input: FileInput) => format.inferFields(input, { compression: "none", options }),
      (input: FileInput) => readAll(format, input, [field("v", "string")], options),
    ];
    for (const attempt of tried) {
      const input = endless(start, piece);
      await assert.rejects(attempt(input), (error: unknown) => {
        assert.ok(error instanceof ValidationError, String(error));
        assert.match(error.message, /more than 200000 bytes in one record.*raise max_record_bytes/);
        return true;
      });
      assert.ok(input.taken < 600_000, `${input.taken} bytes were read`);
    }
  });
}

Deno.test("a record with too many fields is refused", async () => {
  const many = 4 * MAX_FIELDS;
  const keys = Array.from({ length: many }, (_, i) => `"k${i}":1`).join(",");
  await assert.rejects(inferAll(csv, `${"a,".repeat(many)}a\n`), /more than 65536 fields/);
  await assert.rejects(inferAll(jsonl, `{${keys}}`), /more than 65536 keys in a record/);
  const lines = Array.from({ length: MAX_FIELDS + 2 }, (_, i) => `{"k${i}":1}`).join("\n");
  const wide = { infer_rows: many };
  await assert.rejects(inferAll(jsonl, lines, wide), /records have more than 65536 keys/);
  const read = readAll(csv, inputOf(`a,b\n${",".repeat(many)}\n`), [field("a", "string")]);
  await assert.rejects(read, /line 2: it has more than 2 fields/);
});

Deno.test("millions of digits are a text to a guess, and quickly refused as a number", async () => {
  const started = performance.now();
  for (
    const digits of [
      "1".repeat(3_000_000),
      `1${"0".repeat(3_000_000)}1`,
      `0.${"0".repeat(3_000_000)}1`,
    ]
  ) {
    assert.equal((await inferAll(csv, `v\n${digits}\n`))[0]!.dtype, "string");
    assert.equal((await inferAll(jsonl, `{"v":${digits}}`))[0]!.dtype, "json");
    for (const dtype of ["int64", "decimal", "float64"] as const) {
      await assert.rejects(
        readAll(csv, inputOf(`v\n${digits}\n`), [field("v", dtype)]),
        /expected/,
      );
      await assert.rejects(
        readAll(jsonl, inputOf(`{"v":${digits}}`), [field("v", dtype)]),
        /expected/,
      );
    }
  }
  assert.ok(performance.now() - started < 60_000);
});
