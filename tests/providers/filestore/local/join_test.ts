/** A Parquet stage on its way to a Parquet target: the same bytes where they are what is wanted. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { arrowSchema, buildBatch, createColumn, valuePusher } from "../../../../src/arrow/mod.ts";
import { Buffer } from "node:buffer";
import { openBuffer, stagePart } from "../../../../src/buffers/mod.ts";
import { readCommitted } from "../../../support/stage.ts";
import { recordsOf } from "../../../support/staged.ts";
import type { StagedFiles } from "../../../../src/core/contracts/buffer.ts";
import type { DXTRecord } from "../../../../src/core/values/values.ts";
import { loadFormat } from "../../../../src/formats/mod.ts";
import type { BufferSettings } from "../../../../src/models/buffer.ts";
import type { Field } from "../../../../src/models/field.ts";
import { fileInput } from "../../../support/file_input.ts";
import { comparableRecords } from "../../../conformance/values.ts";
import { type Store, withStore } from "./support.ts";

const FIELDS: Field[] = [
  { name: "n", dtype: "int64", nullable: false },
  { name: "at", dtype: "timestamp", nullable: true },
];
const records = (from: number, to: number): DXTRecord[] =>
  Array.from({ length: to - from }, (_, i) => ({
    n: BigInt(from + i),
    at: i % 3 === 0 ? null : new Temporal.PlainDateTime(2024, 1, 1, 0, i % 60),
  }));

/** As another thread tells them: the order of an object's keys means nothing. */
const TOLD: Field[] = FIELDS.map(({ name, dtype, nullable }) => ({ nullable, dtype, name }));

/** Staged in two files, each with a row group of its own. */
async function staged(
  { folder }: Store,
  all: readonly DXTRecord[],
  settings: BufferSettings = {},
): Promise<StagedFiles> {
  const buffer = await openBuffer(settings, join(folder, ".stage"));
  const half = all.length >> 1;
  const parts = [all.slice(0, half), all.slice(half)];
  return await buffer.write(
    TOLD,
    async (stage) =>
      await Promise.all(parts.map(async (part, number) => {
        const place = { folder: stage.folder, part: number, fields: TOLD };
        return await stagePart(settings, place, extracted(part));
      })),
    () => ({ pipeline: "p", stream: "s", run_id: "r", source: null }),
    { unrepeatable: "a test has staged it" },
  );
}

async function* extracted(part: readonly DXTRecord[]) {
  const columns = FIELDS.map(createColumn);
  const pushers = FIELDS.map((field, i) => valuePusher(field, columns[i]!));
  for (const record of part) FIELDS.forEach(({ name }, i) => pushers[i]!(record[name]!));
  yield await Promise.resolve(buildBatch(arrowSchema(FIELDS), columns));
  return { rows: part.length, evidence: "all" };
}

/** Bytes of the files' row groups, which are between their magic and the footer. */
async function body(stage: StagedFiles): Promise<Uint8Array[]> {
  return await Promise.all(stage.files.map(async ({ name, size }) => {
    const end = await stage.readFile(name, size - 8, size - 4);
    const footer = new DataView(end.buffer, end.byteOffset).getUint32(0, true);
    return await stage.readFile(name, 4, size - 8 - footer);
  }));
}

const contains = (file: Uint8Array, part: Uint8Array) =>
  Buffer.from(file).includes(Buffer.from(part));

Deno.test("local: the row groups of a Parquet stage are those of a Parquet target", () =>
  withStore(async (store) => {
    const all = records(0, 5000);
    const stage = await staged(store, all);
    for (const [target, path] of [["f.parquet", "f.parquet"], ["d/", "d/part-00000.parquet"]]) {
      const receipt = await store.load(target!, readCommitted(stage), "replace");
      assert.equal(receipt.rows, 5000);
      const bytes = await Deno.readFile(join(store.folder, path!));
      for (const part of await body(stage)) assert.ok(contains(bytes, part));
      const read = (await store.read(path!)).records;
      assert.deepEqual(comparableRecords(read), comparableRecords(all));
    }
  }));

for (
  const [what, settings, target, same] of [
    ["of another compression", { compression: "gzip" }, "f.parquet", false],
    ["for another format", {}, "f.csv", false],
    ["as it is", {}, "f.parquet", true],
  ] as [string, BufferSettings, string, boolean][]
) {
  Deno.test(`local: a Parquet stage ${what} is ${same ? "joined" : "decoded"}`, () =>
    withStore(async (store) => {
      const all = records(0, 5000);
      const stage = await staged(store, all, settings);
      await store.load(target, readCommitted(stage), "replace");
      const bytes = await Deno.readFile(join(store.folder, target));
      assert.equal((await body(stage)).every((part) => contains(bytes, part)), same);
      const read = (await store.read(target, undefined, FIELDS)).records;
      assert.deepEqual(comparableRecords(read), comparableRecords(all));
    }));
}

Deno.test("local: what is appended to a file is written anew with it", () =>
  withStore(async (store) => {
    await store.load("f.parquet", readCommitted(await staged(store, records(0, 10))));
    await store.load("f.parquet", readCommitted(await staged(store, records(10, 20))));
    assert.deepEqual((await store.read("f.parquet")).records.map(({ n }) => Number(n)), [
      ...Array(20).keys(),
    ]);
  }));

for (const infinite of ["infinity", "-infinity"]) {
  Deno.test(`local: ${infinite} in a Parquet stage is refused in a Parquet file`, () =>
    withStore(async (store) => {
      const all = records(0, 100);
      all[70] = { n: 70n, at: infinite };
      const stage = await staged(store, all);
      const found = (await recordsOf(stage))[70]!;
      assert.equal(found["at"], infinite);
      await assert.rejects(
        store.load("f.parquet", readCommitted(stage), "replace"),
        /field "at", row 71: .*finite/,
      );
      assert.deepEqual((await store.names()).filter((name) => name !== ".stage"), []);
    }));
}

Deno.test("parquet: files of others are not joined", async () => {
  const format = await loadFormat("parquet");
  const path = new URL("../../../data/parquet/many.parquet", import.meta.url);
  const request = { fields: FIELDS, compression: "zstd", options: {} } as const;
  const parts = async function* () {
    yield fileInput(await Deno.readFile(path));
  };
  assert.equal(await format.join(parts(), request), undefined);
  const grouped = { ...request, options: { row_group_rows: 7 } };
  assert.equal(await format.join(parts(), grouped), undefined);
});
