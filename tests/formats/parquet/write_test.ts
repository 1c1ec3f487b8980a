import assert from "node:assert/strict";
import fc from "fast-check";
import {
  arrowSchema,
  buildBatches,
  byteLength,
  filterBatch,
  wrapBatch,
  wrapBuffers,
} from "../../../src/arrow/mod.ts";
import type { Batch } from "../../../src/core/contracts/batch.ts";
import { ConfigurationError, ValueError } from "../../../src/core/errors.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import { ParquetEncoder } from "../../../src/formats/parquet/writer/encoder.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { openParquet } from "../../../src/formats/parquet/reader/reader.ts";
import type { Field } from "../../../src/models/field.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import { foreignTexts } from "./other_readers.ts";
import { textsOf, writeParquet } from "./support.ts";

const FIELDS = [field("i", "int64"), field("s", "string"), field("b", "bool"), field("n", "int8")];

const record = fc.record({
  i: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  s: fc.option(fc.string({ unit: "grapheme", maxLength: 12 })),
  b: fc.option(fc.boolean()),
  n: fc.option(fc.integer({ min: -128, max: 127 })),
}, { noNullPrototype: true });

Deno.test("records come back from batches, row groups and requests of any size", async () => {
  const size = fc.integer({ min: 1, max: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { maxLength: 120 }),
      size,
      size,
      size,
      fc.constantFrom(...parquet.compressions),
      async (records, batchRows, groupRows, wanted, compression) => {
        const options = { row_group_rows: groupRows };
        const bytes = await writeParquet(FIELDS, records, { batchRows, options, compression });
        const rows: unknown[] = [];
        const projections = FIELDS.map((field) => ({ field, column: field.name }));
        const request = { projections, batchRows: wanted, batchBytes: 1 << 20 };
        const batches = parquet.read(inputOf(bytes), { ...request, compression, options: {} });
        for await (const batch of batches) {
          assert.ok(batch.numRows <= wanted);
          rows.push(...textsOf(batch));
        }
        assert.deepEqual(rows, (await foreignTexts(bytes)).rows);
        assert.deepEqual(await readAll(parquet, inputOf(bytes), FIELDS), records);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("parts of batches, whose bits begin anywhere, are written as they are", async () => {
  const records = extremes();
  const [batch] = await Array.fromAsync(
    buildBatches(FIELDS_OF_EVERY_TYPE, records, { rows: 100, bytes: 1 << 20 }),
  );
  for (let from = 0; from < records.length; from++) {
    for (const part of [batch!.slice(from), filterBatch(batch!, (row) => row >= from)]) {
      const bytes = await bytesOf(FIELDS_OF_EVERY_TYPE, [part]);
      assert.deepEqual(
        comparableRecords(await readAll(parquet, inputOf(bytes), FIELDS_OF_EVERY_TYPE)),
        comparableRecords(records.slice(from)),
      );
    }
  }
});

Deno.test("bytes that belong to NULLs are left out", async () => {
  const given = field("s", "string");
  const data = wrapBuffers(given, {
    length: 3,
    nullCount: 1,
    nullBitmap: Uint8Array.of(0b101),
    valueOffsets: Int32Array.of(0, 1, 5, 6),
    data: new TextEncoder().encode("aNULLb"),
  });
  const batch = wrapBatch(arrowSchema([given]), [data], 3);
  const back = await readAll(parquet, inputOf(await bytesOf([given], [batch])), [given]);
  assert.deepEqual(back, [{ s: "a" }, { s: null }, { s: "b" }]);
});

async function bytesOf(fields: readonly Field[], batches: readonly Batch[]): Promise<Uint8Array> {
  const source = (async function* () {
    for (const batch of batches) yield await Promise.resolve(batch);
  })();
  const request = { fields, compression: "zstd", options: {} } as const;
  return concat(...await Array.fromAsync(parquet.write(source, request)));
}

Deno.test("values larger than a page, and many of nearly its size, come back", async () => {
  const fields = [field("s", "string"), field("i", "int32")];
  const sizes = [0, 3_000_000, 700_000, 700_000, 10, 1 << 20, (1 << 20) + 1, 1];
  const records = sizes.map((size, i) => ({ s: "x".repeat(size), i }));
  for (const compression of ["none", "zstd"] as const) {
    const bytes = await writeParquet(fields, records, { compression });
    assert.deepEqual(await readAll(parquet, inputOf(bytes), fields), records);
    assert.equal((await foreignTexts(bytes)).rows.length, records.length);
  }
});

Deno.test("a row group is closed at 32 MiB, however few rows it has", async () => {
  const fields = [field("s", "binary")];
  const records = Array.from({ length: 100 }, (_, i) => ({ s: new Uint8Array(1_000_000).fill(i) }));
  const bytes = await writeParquet(fields, records, { batchRows: 7 });
  const { rowGroups } = await readFooter(inputOf(bytes));
  assert.ok(rowGroups.length >= 3 && rowGroups.every(({ rows }) => rows <= 35));
  assert.deepEqual(await readAll(parquet, inputOf(bytes), fields), records);
});

Deno.test("an encoder needs a batch no longer than it is adding it", async () => {
  const records: DXTRecord[] = Array.from({ length: 50 }, (_, i) => ({ i: BigInt(i), s: `v${i}` }));
  const fields = FIELDS.slice(0, 2);
  const encoder = new ParquetEncoder(fields, { compression: "none", options: {} });
  const chunks: Uint8Array[] = [];
  for await (const batch of buildBatches(fields, records, { rows: 20, bytes: 1 << 20 })) {
    for (const bytes of encoder.add(batch)) chunks.push(bytes.slice());
    for (const { values, valueOffsets } of batch.data.children) {
      new Uint8Array(values.buffer).fill(0);
      (valueOffsets as Int32Array | undefined)?.fill(0);
    }
  }
  for (const bytes of encoder.end()) chunks.push(bytes.slice());
  assert.deepEqual(await readAll(parquet, inputOf(concat(...chunks)), fields), records);
});

Deno.test("files written one after another in the same memory are as if written alone", async () => {
  const sizes = fc.array(fc.array(fc.nat(60), { maxLength: 3 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(sizes, async (files) => {
      const request = {
        fields: FIELDS_OF_EVERY_TYPE,
        compression: "zstd",
        options: { row_group_rows: 50 },
      } as const;
      const same = { ...request, recycle: true };
      for (const batches of files) {
        const all = async function* () {
          for (const rows of batches) {
            const records = Array.from({ length: rows }, (_, i) => extremes()[i % 3]!);
            yield* buildBatches(FIELDS_OF_EVERY_TYPE, records, { rows: 60, bytes: 1 << 20 });
          }
        };
        const alone = concat(...await Array.fromAsync(parquet.write(all(), { ...request })));
        const chunks: Uint8Array[] = [];
        for await (const chunk of parquet.write(all(), same)) chunks.push(chunk.slice());
        assert.equal(concat(...chunks).toHex(), alone.toHex());
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("a NULL in a field that is not nullable is reported with its row in the file", async () => {
  const given = field("v", "int32", { nullable: false });
  const nullable = { ...given, nullable: true };
  const records = Array.from({ length: 30 }, (_, i) => ({ v: i === 25 ? null : i }));
  const batches = buildBatches([nullable], records, { rows: 4, bytes: 1 << 20 });
  const request = {
    fields: [given],
    compression: "zstd",
    options: { row_group_rows: 10 },
  } as const;
  await assert.rejects(Array.fromAsync(parquet.write(batches, request)), (error) => {
    assert.ok(error instanceof ValueError);
    assert.deepEqual([error.field, error.row], ["v", 26]);
    return true;
  });
});

Deno.test("a compression that Parquet does not have is refused", async () => {
  const batches = buildBatches(FIELDS, [], { rows: 1, bytes: 1 });
  const request = { fields: FIELDS, compression: "bz2", options: {} } as const;
  await assert.rejects(Array.fromAsync(parquet.write(batches, request)), ConfigurationError);
});

Deno.test("many columns share what a page of all of them may hold", async () => {
  const fields = Array.from({ length: 400 }, (_, i) => field(`c${i}`, i % 2 ? "string" : "int64"));
  const records = Array.from(
    { length: 300 },
    (_, row) =>
      Object.fromEntries(fields.map(({ name, dtype }, i) => [
        name,
        dtype === "int64" ? BigInt(row * i) : `${row} `.repeat(200),
      ])),
  );
  const bytes = await writeParquet(fields, records, { batchRows: 300 });
  const batches = await Array.fromAsync(openedBatches(bytes));
  assert.ok(batches.length > 1 && batches.every((batch) => byteLength(batch) < 1 << 24));
  assert.deepEqual(await readAll(parquet, inputOf(bytes), fields), records);
});

async function* openedBatches(bytes: Uint8Array): AsyncGenerator<Batch, void, void> {
  yield* (await openParquet(inputOf(bytes))).batches({ batchRows: 65_536, batchBytes: 2 ** 40 });
}
