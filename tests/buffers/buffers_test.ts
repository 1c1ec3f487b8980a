import assert from "node:assert/strict";
import { join } from "node:path";
import { batchesOf } from "../../src/arrow/mod.ts";
import { openBuffer } from "../../src/buffers/mod.ts";
import type { BufferSettings } from "../../src/models/buffer.ts";
import { testBuffer } from "../conformance/buffer.ts";
import { withFolder } from "../support/run.ts";

const SETTINGS: readonly BufferSettings[] = [
  { format: "parquet" },
  { format: "parquet", compression: "snappy", options: { row_group_rows: 7 } },
  { format: "parquet", compression: "none" },
  { format: "arrow" },
  { format: "csv" },
  { format: "csv", compression: "gzip", options: { delimiter: ";", null_value: "\\N" } },
  { format: "tsv", compression: "zstd" },
];

for (const settings of SETTINGS) {
  const name = [settings.format, settings.compression].filter(Boolean).join(" ");
  const open = (directory: string) => openBuffer(settings, directory);
  testBuffer(name, { open, kind: "records", persistent: true });
}
for (const settings of [{ format: "json" }, { format: "jsonl", compression: "zstd" }] as const) {
  const open = (directory: string) => openBuffer(settings, directory);
  testBuffer(settings.format, { open, kind: "records", persistent: true, jsonNull: false });
}
testBuffer("passthrough", {
  open: (directory) => openBuffer({ format: "passthrough" }, directory),
  kind: "files",
  persistent: true,
});
const memory = await openBuffer({ format: "memory" }, "");
testBuffer("memory", {
  async open() {
    await memory.clear();
    return memory;
  },
  kind: "records",
  persistent: false,
});

Deno.test("a stage is several files of bounded size, read in their order", () =>
  withFolder(async (folder) => {
    const settings = { format: "csv", file_bytes: 65_536 } as const;
    const buffer = await openBuffer(settings, join(folder, "stage"));
    const fields = [{ name: "text", dtype: "string", nullable: true }] as const;
    const records = Array.from({ length: 300 }, (_, i) => ({ text: `${i} ${"x".repeat(1000)}` }));
    const staged = await buffer.write(
      fields,
      (async function* () {
        yield* batchesOf(fields, records, { rows: 10, bytes: 1e9 });
        return { rows: 300, evidence: "all" };
      })(),
      () => ({ pipeline: "p", stream: "s", run_id: "r", source: null }),
    );
    assert.ok(staged.files.length >= 3, `${staged.files.length} files`);
    assert.ok(staged.files.every(({ size }) => size < 65_536 + 128 * 1024));
    assert.equal(staged.files.reduce((sum, { rows }) => sum + rows, 0), 300);
    const read = (await Array.fromAsync(staged.readRecords())).map(({ text }) => text);
    assert.deepEqual(read, records.map(({ text }) => text));
  }));

Deno.test("a stage of another format, and settings that mean nothing, are refused", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "stage");
    const csv = await openBuffer({ format: "csv" }, directory);
    await csv.write(
      [{ name: "n", dtype: "int8", nullable: true }],
      (async function* () {
        yield* [];
        return await Promise.resolve({ rows: 0, evidence: "none" });
      })(),
      () => ({ pipeline: "p", stream: "s", run_id: "r", source: null }),
    );
    for (const format of ["parquet", "passthrough"] as const) {
      const other = await openBuffer({ format }, directory);
      await assert.rejects(other.open(), /it holds csv, expected/);
    }
    await assert.rejects(openBuffer({ options: { delimiter: ";" } }, directory), /"delimiter"/);
    await assert.rejects(openBuffer({ format: "csv", compression: "xz" }, directory), /"xz"/);
  }));
