/** Parts of files: which files, which row groups of one. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  arrowSchema,
  buildBatch,
  type BytesColumn,
  createColumn,
  createExtractTask as asTask,
} from "../../../../src/arrow/mod.ts";
import type { BigColumn } from "../../../../src/arrow/mod.ts";
import type { Batch } from "../../../../src/core/contracts/batch.ts";
import type { ExtractTask, RecordExtractor } from "../../../../src/core/contracts/extractor.ts";
import { loadFormat } from "../../../../src/formats/mod.ts";
import type { Field } from "../../../../src/models/field.ts";
import { parseSource } from "../../../../src/models/source.ts";
import { type Store, withStore } from "./support.ts";
import { run, runWell } from "../../../support/run.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";

const FIELDS: Field[] = [
  { name: "n", dtype: "int64", nullable: false },
  { name: "noise", dtype: "string", nullable: false },
];
/** About a megabyte that hardly gets smaller. */
const ROWS = 500;
const NOISE = randomBytes(1500 * ROWS).toString("base64");

async function* batches(from: number, count: number): AsyncGenerator<Batch, void, void> {
  for (let i = 0; i < count; i++) {
    const [n, noise] = FIELDS.map(createColumn) as [BigColumn, BytesColumn];
    for (let row = 0; row < ROWS; row++) {
      n.push(BigInt(from + i * ROWS + row));
      noise.pushString(NOISE.slice(row * 2000, (row + 1) * 2000));
    }
    yield await Promise.resolve(buildBatch(arrowSchema(FIELDS), [n, noise]));
  }
}

async function put(
  { folder }: Store,
  name: string,
  format: "parquet" | "csv" | "jsonl",
  from: number,
  megabytes: number,
): Promise<void> {
  const { write } = await loadFormat(format);
  const bytes = write(batches(from, megabytes), {
    fields: FIELDS,
    compression: "none",
    options: format === "parquet" ? { row_group_rows: 2 * ROWS } : {},
  });
  await Deno.writeFile(join(folder, name), ReadableStream.from(bytes));
}

function taskOf(source: string): ExtractTask {
  return asTask({
    source: parseSource("filestore", source),
    projections: [{ field: FIELDS[0]!, column: "n" }],
    batchRows: 16_384,
    batchBytes: 1 << 24,
    signal: new AbortController().signal,
  });
}

const extractorOf = async ({ connector }: Store) =>
  await local.extractors["LocalRecordExtractor"]!.create(connector, {}) as RecordExtractor;

/** The numbers of each part. */
async function parts(store: Store, source: string, most: number): Promise<number[][]> {
  const extractor = await extractorOf(store);
  const task = taskOf(source);
  await using partition = await extractor.partition(task, { most });
  return await Promise.all(partition.parts.map(async (part) => {
    const numbers: number[] = [];
    for await (const batch of extractor.extract({ ...task, part })) {
      for (const n of batch.data.children[0]!.values as BigInt64Array) numbers.push(Number(n));
    }
    return numbers;
  }));
}

const upTo = (rows: number) => Array.from({ length: rows }, (_, i) => i);

Deno.test("local: several files are shared out in their order, about as many bytes to each part", () =>
  withStore(async (store) => {
    for (let i = 0; i < 6; i++) await put(store, `f${i}.csv`, "csv", i * 8 * ROWS, 8);
    const found = await parts(store, "*.csv", 2);
    assert.deepEqual(found.map(({ length }) => length), [24 * ROWS, 24 * ROWS]);
    assert.deepEqual(found.flat(), upTo(48 * ROWS));
  }));

Deno.test("local: a Parquet file is shared out by its row groups", () =>
  withStore(async (store) => {
    await put(store, "f.parquet", "parquet", 0, 42);
    const found = await parts(store, "f.parquet", 2);
    assert.deepEqual(found.map(({ length }) => length), [22 * ROWS, 20 * ROWS]);
    assert.deepEqual(found.flat(), upTo(42 * ROWS));
  }));

for (const format of ["csv", "jsonl"] as const) {
  Deno.test(`local: a large file of ${format} is shared out by its bytes`, () =>
    withStore(async (store) => {
      await put(store, `f.${format}`, format, 0, 40);
      const found = await parts(store, `f.${format}`, 2);
      assert.equal(found.length, 2);
      assert.ok(found.every(({ length }) => Math.abs(length - 20 * ROWS) < 20));
      assert.deepEqual(found.flat(), upTo(40 * ROWS));
    }));
}

Deno.test("a CSV file that misleads about where its records begin is read as a whole", () =>
  withStore(async ({ folder, put, text }) => {
    // One text of 40 MB that looks like records of two fields.
    const inside = `1,${"2".repeat(500)}\n`.repeat(80_000);
    await put("f.csv", `a,b\n0,"${inside}"\n5,6\n`);
    const streams = [{ id: "f", source: "f.csv", target: "g.csv" }];
    const local = { provider: "local" };
    const yaml = { version: 1, name: "p", source: local, target: local, streams };
    const { streams: [result] } = await runWell(folder, yaml, { threads: 2 });
    assert.equal(result!.rows_loaded, 2);
    assert.equal((await text("g.csv")).length, inside.length + 'a,b\n0,""\n5,6\n'.length);
  }));

Deno.test("an error in a CSV file that was read in parts is reported with its row in the file", () =>
  withStore(async ({ folder, put }) => {
    const lines = Array.from({ length: 500_000 }, (_, i) => `${i},${"x".repeat(70)}`);
    lines[400_000] = `oops,${"x".repeat(70)}`;
    await put("f.csv", `a,b\n${lines.join("\n")}\n`);
    const fields = [{ id: "a", dtype: "int64" }, { id: "b" }];
    const streams = [{ id: "f", source: "f.csv", target: "g.csv", fields }];
    const local = { provider: "local" };
    const yaml = { version: 1, name: "p", source: local, target: local, streams };
    const { streams: [result] } = await run(folder, yaml, { threads: 2 });
    assert.match(result!.error!.message, /field "a", row 400001: .*"oops"/);
  }));

Deno.test("local: a large file among small ones is cut, and they go along", () =>
  withStore(async (store) => {
    await put(store, "a.parquet", "parquet", 0, 2);
    await put(store, "b.parquet", "parquet", 2 * ROWS, 40);
    await put(store, "c.parquet", "parquet", 42 * ROWS, 2);
    const found = await parts(store, "*.parquet", 2);
    assert.equal(found.length, 2);
    assert.ok(found.every(({ length }) => length > 18 * ROWS), String(found.map((f) => f.length)));
    assert.deepEqual(found.flat(), upTo(44 * ROWS));
  }));

Deno.test("local: a file that changed since the parts were made is refused", () =>
  withStore(async (store) => {
    await put(store, "f.parquet", "parquet", 0, 40);
    const extractor = await extractorOf(store);
    const task = taskOf("f.parquet");
    await using partition = await extractor.partition(task, { most: 2 });
    await put(store, "f.parquet", "parquet", 0, 41);
    const [part] = partition.parts;
    await assert.rejects(
      Array.fromAsync(extractor.extract({ ...task, part: part! })),
      /it changed/,
    );
  }));

Deno.test("local: small files are one part", () =>
  withStore(async (store) => {
    await put(store, "f.csv", "csv", 0, 2);
    assert.deepEqual(await parts(store, "f.csv", 4), [upTo(2 * ROWS)]);
  }));
