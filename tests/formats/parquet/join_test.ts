import assert from "node:assert/strict";
import fc from "fast-check";
import { SchemaError, ValidationError } from "../../../src/core/errors.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import { RowGroup } from "../../../src/formats/parquet/thrift/metadata.ts";
import { joinParquet } from "../../../src/formats/parquet/join.ts";
import type { Field } from "../../../src/models/field.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { comparableRecords } from "../../conformance/values.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import { duckdb, foreignTexts, noDuckDB, readerTest } from "./other_readers.ts";
import { withFile, writeParquet } from "./support.ts";

const FIELDS = [field("i", "int64"), field("s", "string")];
const rowsFrom = (start: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ i: BigInt(start + i), s: `row ${start + i}` }));
async function joined(
  parts: readonly Uint8Array[],
  fields: readonly Field[] = FIELDS,
): Promise<Uint8Array> {
  async function* inputs() {
    for (const part of parts) yield await Promise.resolve(inputOf(part));
  }
  const request = { fields, compression: "zstd", options: {} } as const;
  return concat(...await Array.fromAsync((await joinParquet(inputs(), request))!));
}
const join = (...parts: Uint8Array[]) => joined(parts);

Deno.test("joined files hold the rows of all in their order", async () => {
  const sizes = fc.array(fc.nat(50), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 20 }), async (sizes, group) => {
      const parts: Uint8Array[] = [];
      let count = 0;
      for (const size of sizes) {
        const rows = rowsFrom(count, size);
        parts.push(await writeParquet(FIELDS, rows, { options: { row_group_rows: group } }));
        count += size;
      }
      const whole = await join(...parts);
      assert.deepEqual(await readAll(parquet, inputOf(whole), FIELDS), rowsFrom(0, count));
      assert.equal((await foreignTexts(whole)).rows.length, count);
    }),
    { numRuns: 30 },
  );
});

Deno.test("joined files may have other compressions and keep every type", async () => {
  const parts: Uint8Array[] = [];
  for (const compression of parquet.compressions) {
    parts.push(await writeParquet(FIELDS_OF_EVERY_TYPE, extremes(), { compression }));
  }
  const input = inputOf(await joined(parts, FIELDS_OF_EVERY_TYPE));
  const infer = await parquet.inferFields(input, { compression: "none", options: {} });
  assert.deepEqual(infer, FIELDS_OF_EVERY_TYPE);
  assert.deepEqual(
    comparableRecords(await readAll(parquet, input, FIELDS_OF_EVERY_TYPE)),
    parts.flatMap(() => comparableRecords(extremes())),
  );
});

Deno.test("row groups are numbered, and say where they begin", async () => {
  const part = await writeParquet(FIELDS, rowsFrom(0, 4), { options: { row_group_rows: 2 } });
  const { metadata } = await readFooter(inputOf(await join(part, part)));
  const groups = metadata.structs(4);
  assert.deepEqual(groups.map((group) => group.number(RowGroup.ordinal)), [0, 1, 2, 3]);
  assert.equal(groups[0]!.number(RowGroup.fileOffset), 4);
  const size = groups[0]!.number(RowGroup.totalCompressedSize)!;
  assert.equal(groups[1]!.number(RowGroup.fileOffset), 4 + size);
});

Deno.test("one file joined is the same file, and one joined of joined ones the same as of all", async () => {
  const [a, b, c] = await Promise.all(
    [0, 10, 20].map((i) => writeParquet(FIELDS, rowsFrom(i, 10))),
  );
  assert.equal((await join(a!)).toHex(), a!.toHex());
  assert.equal((await join(await join(a!, b!), c!)).toHex(), (await join(a!, b!, c!)).toHex());
});

readerTest("DuckDB reads joined files and their statistics", noDuckDB, async () => {
  const parts = await Promise.all(
    [0, 1000, 2000].map((i) => writeParquet(FIELDS, rowsFrom(i, 1000))),
  );
  await withFile(await join(...parts), async (path) => {
    const answers = await duckdb(
      `SELECT count(*)::INT, sum(i)::INT, max(s) FROM read_parquet('${path}')`,
      `SELECT i::INT FROM read_parquet('${path}') WHERE s = 'row 1500'`,
      `SELECT row_group_id::INT, stats_min_value FROM parquet_metadata('${path}') WHERE column_id = 0`,
    );
    assert.deepEqual(answers, [[[3000, 4498500, "row 999"]], [[1500]], [
      [0, "0"],
      [1, "1000"],
      [2, "2000"],
    ]]);
  });
});

Deno.test("no files joined are a file without rows", async () => {
  const bytes = await join();
  assert.deepEqual(await readAll(parquet, inputOf(bytes), FIELDS), []);
});

Deno.test("what cannot be joined is reported", async () => {
  const part = await writeParquet(FIELDS, rowsFrom(0, 3));
  const other = await writeParquet([FIELDS[0]!], [{ i: 1n }]);
  const foreign = await Deno.readFile(new URL("../../data/parquet/many.parquet", import.meta.url));
  const cases: [Uint8Array[], typeof ValidationError][] = [
    [[part, other], SchemaError],
    [[part, foreign], ValidationError],
    [[part, part.subarray(0, -1)], ValidationError],
  ];
  for (const [parts, error] of cases) {
    await assert.rejects(join(...parts), error);
  }
});
