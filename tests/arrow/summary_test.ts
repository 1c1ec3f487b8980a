import assert from "node:assert/strict";
import { buildBatches, formatTotal, hashRows, Summarizer } from "../../src/arrow/mod.ts";
import type { Batch } from "../../src/core/contracts/batch.ts";
import { mergeSummaries } from "../../src/core/values/totals.ts";
import { type DXTRecord, formatValue, type Value } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import type { RowsSummary } from "../../src/models/summary.ts";
import { extremes, FIELDS_OF_EVERY_TYPE } from "../conformance/values.ts";

Deno.test("a summary depends neither on the order of rows nor on the bounds of batches", async () => {
  const records = Array.from({ length: 40 }, (_, i) => extremes()[i % extremes().length]!);
  const whole = await summarize(FIELDS_OF_EVERY_TYPE, records);
  assert.deepEqual(await summarize(FIELDS_OF_EVERY_TYPE, records.toReversed(), 3), whole);
  const parts = await Promise.all(
    [records.slice(0, 7), records.slice(7), []].map((part) =>
      summarize(FIELDS_OF_EVERY_TYPE, part)
    ),
  );
  assert.deepEqual(mergeSummaries(parts), whole);
  assert.equal(mergeSummaries([...parts, undefined]), undefined);
});

Deno.test("a slice of a batch has the summary of its rows", async () => {
  const records = extremes();
  const [batch] = await batchesOf(FIELDS_OF_EVERY_TYPE, records);
  for (let from = 0; from < records.length; from++) {
    const summarizer = new Summarizer(FIELDS_OF_EVERY_TYPE);
    summarizer.add(batch!.slice(from, from + 3));
    const wanted = await summarize(FIELDS_OF_EVERY_TYPE, records.slice(from, from + 3));
    assert.deepEqual(summarizer.summarize(), wanted);
  }
});

Deno.test("a digest changes with each bit of a value, NULL, empty and zero differ", async () => {
  const fields: Field[] = [
    { name: "int64", dtype: "int64", nullable: true },
    { name: "string", dtype: "string", nullable: true },
    { name: "bool", dtype: "bool", nullable: true },
    { name: "float64", dtype: "float64", nullable: true },
    { name: "binary", dtype: "binary", nullable: true },
  ];
  const values: Record<string, readonly Value[]> = {
    int64: [
      null,
      ...Array.from({ length: 64 }, (_, bit) => BigInt.asIntN(64, 1n << BigInt(bit))),
      0n,
    ],
    string: [null, "", "\0", "\0\0", "a", "b", "ab", "ba", "x".repeat(8), "x".repeat(9)],
    bool: [null, true, false],
    float64: [null, 0, 1, -1, Number.MIN_VALUE, Infinity, -Infinity, NaN],
    binary: [
      null,
      new Uint8Array(),
      ...Array.from({ length: 64 }, (_, bit) => {
        const bytes = new Uint8Array(8);
        bytes[bit >> 3] = 1 << (bit & 7);
        return bytes;
      }),
    ],
  };
  for (const field of fields) {
    const found = await Promise.all(values[field.name]!.map(async (value) => {
      const { digest, columns: [column] } = await summarize([field], [{ [field.name]: value }]);
      return [digest, `${column!.digest} ${column!.nulls}`];
    }));
    for (const part of [0, 1]) {
      assert.equal(new Set(found.map((pair) => pair[part])).size, found.length, field.name);
    }
  }
  const zero = { name: "f", dtype: "float64", nullable: true } as const;
  assert.deepEqual(await summarize([zero], [{ f: -0 }]), await summarize([zero], [{ f: 0 }]));
});

Deno.test("values that change places between rows change the digest of rows alone", async () => {
  const fields: Field[] = ["a", "b"].map((name) => ({ name, dtype: "int32", nullable: true }));
  const before = await summarize(fields, [{ a: 1, b: 2 }, { a: 3, b: 4 }]);
  const moved = await summarize(fields, [{ a: 1, b: 4 }, { a: 3, b: 2 }]);
  assert.deepEqual(moved.columns, before.columns);
  assert.notEqual(moved.digest, before.digest);
  const exchanged = await summarize(fields, [{ a: 2, b: 1 }, { a: 4, b: 3 }]);
  assert.notEqual(exchanged.digest, before.digest);
});

Deno.test("text of any length has one digest, wherever the bytes are", async () => {
  const field: Field = { name: "t", dtype: "string", nullable: true };
  const long = "ü".repeat(900_000);
  const records = [{ t: "a" }, { t: long }, { t: null }, { t: `${long}!` }, { t: "b" }];
  const summary = await summarize([field], records);
  assert.deepEqual(await summarize([field], records.toReversed(), 1), summary);
  assert.equal(summary.columns[0]!.sum, String(2 + 4 * 900_000 + 1));
  const other = await summarize([field], [...records.slice(0, 3), { t: `${long}?` }, { t: "b" }]);
  assert.notEqual(other.digest, summary.digest);
});

Deno.test("totals are those of exact arithmetic, in the type's own spelling", async () => {
  const random = (seed: number) => () => (seed = seed * 48271 % 0x7fffffff);
  const next = random(7);
  const big = () => BigInt(next()) * BigInt(next()) * (next() % 2 === 0 ? 1n : -1n);
  const fields: Field[] = [
    { name: "int64", dtype: "int64", nullable: true },
    { name: "uint64", dtype: "uint64", nullable: true },
    { name: "uint32", dtype: "uint32", nullable: true },
    { name: "decimal", dtype: "decimal", precision: 38, scale: 4, nullable: true },
    { name: "wide", dtype: "decimal", precision: 60, scale: 0, nullable: true },
  ];
  const records = Array.from({ length: 500 }, (_, i) => ({
    int64: i % 11 === 0 ? null : BigInt.asIntN(64, big() * 1000n),
    uint64: BigInt.asUintN(64, big() * 1000n),
    uint32: 0xffffffff - i,
    decimal: `${big()}.${String(next() % 10_000).padStart(4, "0")}`,
    wide: String(big() ** 3n),
  }));
  const { columns } = await summarize(fields, records, 64);
  const scaled = (name: keyof typeof records[number]) =>
    records.map((record) => record[name]).filter((value) => value !== null)
      .map((value) => BigInt(String(value).replace(".", "")));
  for (const [i, field] of fields.entries()) {
    const values = scaled(field.name as keyof typeof records[number]);
    const sorted = values.toSorted((a, b) => a < b ? -1 : a > b ? 1 : 0);
    const column = columns[i]!;
    assert.equal(BigInt(column.min!), sorted[0], field.name);
    assert.equal(BigInt(column.max!), sorted.at(-1), field.name);
    assert.equal(BigInt(column.sum!), values.reduce((sum, value) => sum + value), field.name);
  }
  assert.match(formatTotal(fields[3]!, "sum", columns[3]!.sum!), /^-?\d+\.\d{4}$/);
});

Deno.test("the lowest and highest values of days and times are printed as values are", async () => {
  const dates = FIELDS_OF_EVERY_TYPE.filter(({ dtype }) => /^(date|time)/.test(dtype));
  const records = extremes();
  const { columns } = await summarize(dates, records);
  columns.forEach(({ min, max, sum }, i) => {
    const field = dates[i]!;
    const values = records.map((record) => record[field.name] ?? null).filter((one) =>
      one !== null
    );
    const texts = values.map((value) => formatValue(value)).toSorted();
    assert.equal(formatTotal(field, "min", min!), texts[0], field.name);
    assert.equal(formatTotal(field, "max", max!), texts.at(-1), field.name);
    assert.equal(sum, undefined);
  });
});

Deno.test("more than some megabytes are summarized as far as the level says", async () => {
  const field: Field = { name: "t", dtype: "string", nullable: true };
  const records = Array.from({ length: 60 }, (_, i) => ({ t: String(i % 10).repeat(100_000) }));
  const [full, aggregates, counts] = await Promise.all(
    (["full", "aggregates", "counts"] as const).map(async (level) => {
      const summarizer = new Summarizer([field], level);
      for (const batch of await batchesOf([field], records, 5)) summarizer.add(batch);
      return summarizer.summarize();
    }),
  );
  assert.match(full!.digest!, /^[0-9a-f]{16}$/);
  assert.deepEqual(aggregates, {
    rows: 60,
    columns: [{ name: "t", nulls: 0, sum: String(60 * 100_000) }],
  });
  assert.equal(counts, undefined);
  assert.equal(mergeSummaries([full, aggregates])!.digest, undefined);
});

Deno.test("the hashes of rows are spread evenly", async () => {
  const field: Field = { name: "id", dtype: "int64", nullable: false };
  const records = Array.from({ length: 16_384 }, (_, i) => ({ id: BigInt(i) }));
  const [batch] = await batchesOf([field], records, records.length);
  const hashes = hashRows([field], batch!.data.children, batch!.numRows);
  assert.equal(new Set(hashes).size, records.length);
  const counts = new Array<number>(16).fill(0);
  for (const hash of hashes) counts[Number(hash & 15n)]!++;
  for (const count of counts) assert.ok(count > 800 && count < 1250, String(counts));
});

async function summarize(
  fields: readonly Field[],
  records: readonly DXTRecord[],
  rows = 1000,
): Promise<RowsSummary> {
  const summarizer = new Summarizer(fields);
  for (const batch of await batchesOf(fields, records, rows)) summarizer.add(batch);
  return summarizer.summarize()!;
}

async function batchesOf(
  fields: readonly Field[],
  records: readonly DXTRecord[],
  rows = 1000,
): Promise<Batch[]> {
  return await Array.fromAsync(buildBatches(fields, records, { rows, bytes: 1 << 28 }));
}
