import assert from "node:assert/strict";
import fc from "fast-check";
import {
  SchemaError,
  TypeMappingError,
  ValidationError,
  ValueError,
} from "../../../src/core/errors.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { decodeStruct, encodeStruct } from "../../../src/formats/parquet/thrift/thrift.ts";
import { buildBatches } from "../../../src/arrow/mod.ts";
import type { Field } from "../../../src/models/field.ts";
import type { Compression, FormatOptions } from "../../../src/models/format.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { field, inputOf, readAll } from "../json/support.ts";

const infer = (bytes: Uint8Array) =>
  parquet.inferFields(inputOf(bytes), { compression: "none", options: {} });

async function write(
  fields: readonly Field[],
  records: readonly DXTRecord[],
  options: FormatOptions = {},
  compression: Compression = "zstd",
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const batches = buildBatches(fields, records, { rows: 100, bytes: 1 << 20 });
  for await (const chunk of parquet.write(batches, { fields, compression, options })) {
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

const sample = (name: string) =>
  Deno.readFile(new URL(`../../data/parquet/${name}.parquet`, import.meta.url));

for (const compression of parquet.compressions) {
  Deno.test(`every type comes back from Parquet with ${compression}`, async () => {
    const bytes = await write(FIELDS_OF_EVERY_TYPE, extremes(), { row_group_rows: 2 }, compression);
    assert.deepEqual(await infer(bytes), FIELDS_OF_EVERY_TYPE);
    const back = await readAll(parquet, inputOf(bytes), FIELDS_OF_EVERY_TYPE);
    assert.deepEqual(comparableRecords(back), comparableRecords(extremes()));
  });
}

Deno.test("fields keep what only dxt knows of them", async () => {
  const fields = [field("total", "decimal", {
    precision: 12,
    scale: 2,
    key: true,
    source_type: "postgres:numeric(12,2)",
    metadata: { unit: "PLN" },
  })];
  assert.deepEqual(await infer(await write(fields, [{ total: "1.50" }])), fields);
});

Deno.test("a file without rows has its fields", async () => {
  const bytes = await write(FIELDS_OF_EVERY_TYPE, []);
  assert.deepEqual(await infer(bytes), FIELDS_OF_EVERY_TYPE);
  assert.deepEqual(await readAll(parquet, inputOf(bytes), FIELDS_OF_EVERY_TYPE), []);
});

Deno.test("rows keep their order over row groups of any size", async () => {
  const fields = [field("i", "int64"), field("s", "string")];
  const rows = fc.record({ count: fc.nat(700), group: fc.integer({ min: 1, max: 400 }) });
  await fc.assert(
    fc.asyncProperty(rows, async ({ count, group }) => {
      const records = Array.from({ length: count }, (_, i) => ({ i: BigInt(i), s: `row ${i}` }));
      const bytes = await write(fields, records, { row_group_rows: group });
      assert.deepEqual(await readAll(parquet, inputOf(bytes), fields), records);
    }),
    { numRuns: 30 },
  );
});

Deno.test("only the bytes of wanted columns are read", async () => {
  const wide = field("wide", "string");
  const narrow = field("narrow", "int32");
  const records = Array.from({ length: 500 }, (_, narrow) => ({
    wide: crypto.getRandomValues(new Uint8Array(200)).toHex(),
    narrow,
  }));
  const input = inputOf(await write([wide, narrow], records));
  let read = 0;
  const counted = {
    ...input,
    read: (from: number, to: number) => (read += to - from, input.read(from, to)),
  };
  const back = await readAll(parquet, counted, [narrow]);
  assert.deepEqual(back, records.map(({ narrow }) => ({ narrow })));
  assert.ok(input.size > 100_000 && read < 80_000, `${read} of ${input.size} bytes were read`);
});

Deno.test("columns of other writers are read in all their layouts", async () => {
  const bytes = await sample("many");
  const fields = await infer(bytes);
  const types = fields.map(({ name, dtype }) => [name, dtype]);
  assert.deepEqual(Object.fromEntries(types), {
    dict: "string",
    large: "string",
    view: "string",
    ts_s: "timestamp",
    ts_ms: "timestamp_tz",
    ts_ns: "timestamp",
    d64: "date",
    t32: "time",
    t64: "time",
    fsb: "binary",
    f16: "float32",
    nul: "string",
    dec: "decimal",
    dec60: "decimal",
    list: "array",
    llist: "array",
    fsl: "array",
    struct: "object",
    map: "object",
    nested: "array",
    dur: "int64",
    u64: "uint64",
  });
  const [first, second, third] = comparableRecords(await readAll(parquet, inputOf(bytes), fields));
  assert.equal(first!["list"], "JSONText [9007199254740993,null]");
  assert.equal(first!["llist"], "JSONText [1.50]");
  assert.equal(first!["nested"], 'JSONText [{"t":"2020-01-01T00:00:00","l":["ff"]}]');
  assert.equal(first!["u64"], 18446744073709551615n);
  assert.equal(second!["ts_ms"], "Instant 1970-01-01T00:00:01.5Z");
  assert.equal(second!["dec60"], `1${"0".repeat(59)}`);
  assert.deepEqual(
    Object.entries(third!).filter(([name, value]) => value !== null && name !== "f16"),
    [],
  );
});

Deno.test("INT96 timestamps are read beyond the years of nanoseconds", async () => {
  const bytes = await sample("int96");
  const back = await readAll(parquet, inputOf(bytes), await infer(bytes));
  assert.deepEqual(comparableRecords(back).map(({ v }) => v), [
    "PlainDateTime 2020-01-01T01:02:03.000004",
    "PlainDateTime 1700-01-01T00:00:00",
    null,
  ]);
  await assert.rejects(infer(await sample("int96_nested")), TypeMappingError);
});

Deno.test("nanoseconds that are no whole microseconds are refused with their row", async () => {
  const bytes = await sample("ns");
  await assert.rejects(readAll(parquet, inputOf(bytes), await infer(bytes)), (error) => {
    assert.ok(error instanceof ValueError);
    assert.equal(error.row, 1);
    return true;
  });
});

Deno.test("a column is found by its whole name", async () => {
  const bytes = await sample("names");
  for (const [i, name] of ["a.b", "ż", "ża"].entries()) {
    const back = await readAll(parquet, inputOf(bytes), [field(name, "int64")]);
    assert.deepEqual(back, [{ [name]: BigInt(i + 1) }]);
  }
  await assert.rejects(readAll(parquet, inputOf(bytes), [field("a", "int64")]), SchemaError);
});

Deno.test("malformed files are ValidationErrors, and good ones are read after them", async () => {
  const good = await write(FIELDS_OF_EVERY_TYPE, extremes());
  const refusal = (error: unknown) => {
    assert.ok(error instanceof ValidationError || error instanceof SchemaError, String(error));
  };
  const attempt = async (bytes: Uint8Array) => {
    try {
      await readAll(parquet, inputOf(bytes), await infer(bytes));
    } catch (error) {
      refusal(error);
    }
  };
  const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return attempt(bytes);
    }),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), async (size) => {
      await assert.rejects(infer(good.slice(0, size)), ValidationError);
    }),
    { numRuns: 100 },
  );
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), attempt), { numRuns: 100 });
  assert.equal((await readAll(parquet, inputOf(good), FIELDS_OF_EVERY_TYPE)).length, 6);
});

Deno.test("what reading throws reaches the caller", async () => {
  const good = inputOf(await write([field("s", "string")], [{ s: "x" }]));
  const broken = {
    ...good,
    read: (from: number, to: number) =>
      from < 10 && to < good.size ? Promise.reject(new Error("gone")) : good.read(from, to),
  };
  await assert.rejects(readAll(parquet, broken, [field("s", "string")]), /gone/);
});

Deno.test("what the batches throw reaches the caller", async () => {
  const fields = [field("i", "int32")];
  async function* failing() {
    yield* buildBatches(fields, [{ i: 1 }], { rows: 1, bytes: 1 << 20 });
    throw new Error("source gone");
  }
  const bytes = parquet.write(failing(), { fields, compression: "zstd", options: {} });
  await assert.rejects(Array.fromAsync(bytes), /source gone/);
});

Deno.test("a footer is the same after it was decoded and encoded", async () => {
  const bytes = await write(FIELDS_OF_EVERY_TYPE, extremes(), { row_group_rows: 1 });
  const size = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  const footer = bytes.subarray(bytes.length - 8 - size, -8);
  assert.equal(encodeStruct(decodeStruct(footer)).toHex(), footer.toHex());
});
