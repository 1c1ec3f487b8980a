import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { buildBatches } from "../../src/arrow/mod.ts";
import { openBuffer } from "../../src/buffers/mod.ts";
import type { Buffer, StagedFiles } from "../../src/core/contracts/buffer.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import type { BufferSettings } from "../../src/models/buffer.ts";
import type { Field } from "../../src/models/field.ts";
import { testBuffer } from "../conformance/buffer.ts";
import { withFolder } from "../support/run.ts";
import { stageIn } from "../support/stage.ts";
import { recordsOf } from "../support/staged.ts";

const SETTINGS: readonly BufferSettings[] = [
  { format: "parquet" },
  { format: "parquet", compression: "none" },
  { format: "parquet", compression: "snappy", options: { row_group_rows: 7 } },
  { format: "parquet", compression: "gzip" },
  { format: "parquet", compression: "zstd" },
  { format: "arrow" },
  { format: "csv" },
  { format: "csv", compression: "gzip", options: { delimiter: ";", null_value: "\\N" } },
  { format: "tsv" },
  { format: "tsv", compression: "zstd" },
  { format: "json" },
  { format: "jsonl", compression: "zstd" },
];
const labelOf = ({ format, compression }: BufferSettings) =>
  [format, compression].filter(Boolean).join(" ");

for (const settings of SETTINGS) {
  testBuffer(labelOf(settings), (directory) => openBuffer(settings, directory), {
    kind: "records",
    settings,
    persistent: true,
    skip: settings.format === "json" || settings.format === "jsonl"
      ? { "JSON null": "JSON has one null for both" }
      : {},
  });
}

testBuffer("passthrough", (directory) => openBuffer({ format: "passthrough" }, directory), {
  kind: "files",
  settings: { format: "passthrough" },
  persistent: true,
});

const memories = new Map<string, Promise<Buffer>>();
testBuffer("memory", (directory) => {
  const memory = memories.get(directory) ?? openBuffer({ format: "memory" }, directory);
  memories.set(directory, memory);
  return memory;
}, { kind: "records", settings: { format: "memory" }, persistent: false });

const TEXTS: readonly Field[] = [
  { name: "a", dtype: "string", nullable: true },
  { name: "b", dtype: "string", nullable: true },
];

/** Ten records a batch. */
async function* batches(records: readonly DXTRecord[]) {
  yield* buildBatches(TEXTS, records, { rows: 10, bytes: 1e9 });
  return { rows: records.length, evidence: "all" };
}

function stage(
  directory: string,
  settings: BufferSettings,
  records: readonly DXTRecord[],
): Promise<StagedFiles> {
  return stageIn(directory, settings, TEXTS, batches(records));
}

const FILE_BYTES = 1024 * 1024;

for (const settings of SETTINGS) {
  Deno.test(`${labelOf(settings)}: a stage is several files of bounded size, in their order`, () =>
    withFolder(async (folder) => {
      const records = Array.from({ length: 600 }, (_, i) => ({
        a: String(i),
        b: randomBytes(5_000).toString("hex"),
      }));
      const options = settings.format === "parquet" ? { row_group_rows: 20 } : settings.options;
      const several = { ...settings, options, file_bytes: FILE_BYTES };
      const directory = join(folder, "stage");
      const { files } = await stage(directory, several, records);
      assert.ok(files.length >= 3, `${files.length} files`);
      for (const { size } of files) assert.ok(size < FILE_BYTES * 1.5, `a file of ${size} bytes`);
      assert.equal(files.reduce((sum, { rows }) => sum + rows, 0), 600);
      const read = await recordsOf(await (await openBuffer(several, directory)).open());
      assert.deepEqual(read.map(({ a, b }) => ({ a, b })), records);
    }));
}

Deno.test("the first files are small, later ones grow with what is there", () =>
  withFolder(async (folder) => {
    const MiB = 1024 * 1024;
    const block = randomBytes(16 * 1024).toString("hex");
    const records = Array.from({ length: 1000 }, (_, i) => ({ a: String(i), b: block }));
    const settings: BufferSettings = {
      format: "parquet",
      compression: "none",
      options: { row_group_rows: 10 },
    };
    const { files } = await stage(join(folder, "stage"), settings, records);
    let before = 0;
    for (const { size } of files.slice(0, -1)) {
      const least = Math.max(2 * MiB, before / 8);
      assert.ok(size >= least && size < least + MiB, `${size} bytes after ${before}`);
      before += size;
    }
    assert.ok(before > 24 * MiB, `${before} bytes`);
  }));

Deno.test("a stage is read with the options that it was written with", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "stage");
    const written = { delimiter: ";", null_value: "\\N" };
    const records = [{ a: null, b: "" }, { a: "x;y", b: "\\N" }];
    await stage(directory, { format: "csv", options: written }, records);
    for (const options of [written, {}, { delimiter: "|", null_value: "x;y" }]) {
      const staged = await (await openBuffer({ format: "csv", options }, directory)).open();
      const read = await recordsOf(staged);
      assert.deepEqual(read.map(({ a, b }) => ({ a, b })), records);
    }
  }));

Deno.test("a stage of another format, and settings that mean nothing, are refused", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "stage");
    await stage(directory, { format: "csv" }, []);
    for (const format of ["parquet", "passthrough"] as const) {
      const other = await openBuffer({ format }, directory);
      await assert.rejects(other.open(), /it holds csv, expected/);
    }
    await assert.rejects(openBuffer({ options: { delimiter: ";" } }, directory), /"delimiter"/);
    const headless = openBuffer({ format: "csv", options: { header: false } }, directory);
    await assert.rejects(headless, /without a header/);
    await assert.rejects(openBuffer({ format: "csv", compression: "xz" }, directory), /"xz"/);
  }));
