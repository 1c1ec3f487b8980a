/** UUIDs: text in records, 16 bytes in a file. */
import assert from "node:assert/strict";
import { ValueError } from "../../../src/core/errors.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import { isNative } from "../../../src/formats/parquet/reader/native_reader.ts";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import {
  LogicalType,
  PhysicalType,
  SchemaElement,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import { asForeign, writeParquet } from "./support.ts";

const UUIDS = field("id", "string", { uuid: true });
const TEXTS = field("id", "string");

/** Ids and NULLs over several pages. */
const ROWS = Array.from({ length: 40_000 }, (_, i) => ({
  id: i % 5 === 0 ? null : `${i.toString(16).padStart(8, "f")}-89ab-4cde-8f01-23456789abcd`,
}));

const infer = (bytes: Uint8Array) =>
  parquet.inferFields(inputOf(bytes), { compression: "none", options: {} });

Deno.test("a field of UUIDs is a column of 16 bytes with the logical type UUID", async () => {
  const { columns } = await readFooter(inputOf(await writeParquet([UUIDS], ROWS)));
  const [element] = columns[0]!.declared;
  assert.equal(element!.number(SchemaElement.type), PhysicalType.FIXED);
  assert.equal(element!.number(SchemaElement.typeLength), 16);
  const logical = element!.struct(SchemaElement.logicalType);
  assert.deepEqual([...logical!.fields.keys()], [LogicalType.UUID]);
});

Deno.test("UUIDs read back as their text, in dxt's files and in those of other programs", async () => {
  const own = await writeParquet([UUIDS], ROWS);
  for (const bytes of [own, asForeign(own)]) {
    assert.deepEqual(await infer(bytes), [UUIDS]);
    for (const wanted of [UUIDS, TEXTS]) {
      assert.deepEqual(await readAll(parquet, inputOf(bytes), [wanted]), ROWS);
    }
  }
  assert.equal(isNative(await readFooter(inputOf(own))), true);
});

Deno.test("a file is half as large as one with the same ids as text", async () => {
  const random = Array.from({ length: 5000 }, () => ({ id: crypto.randomUUID() }));
  const [ids, texts] = await Promise.all([
    writeParquet([UUIDS], random, { compression: "none" }),
    writeParquet([TEXTS], random, { compression: "none" }),
  ]);
  assert.ok(ids.length < texts.length / 2, `${ids.length} of ${texts.length} bytes`);
});

Deno.test("text of UUIDs without the mark stays a column of text, as earlier versions wrote it", async () => {
  const native = field("id", "string", { source_type: "postgres:uuid" });
  const bytes = await writeParquet([native], ROWS);
  const { columns } = await readFooter(inputOf(bytes));
  assert.equal(columns[0]!.declared[0]!.number(SchemaElement.type), PhysicalType.BYTE_ARRAY);
  assert.deepEqual(await readAll(parquet, inputOf(bytes), [UUIDS]), ROWS);
});

for (
  const [what, text] of [
    ["upper case", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"],
    ["no dashes", "a0eebc999c0b4ef8bb6d6bb9bd380a11"],
    ["braces", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"],
    ["another letter", "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    ["dashes elsewhere", "a0eebc999-c0b-4ef8-bb6d-6bb9bd380a11"],
    ["no text", ""],
    ["a letter of two bytes", "é0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"],
  ] as const
) {
  Deno.test(`text that is no canonical UUID is refused with field and row: ${what}`, async () => {
    for (const isNullable of [true, false]) {
      const [, ok] = ROWS;
      const given = [ok!, isNullable ? { id: null } : ok!, { id: text }];
      const written = writeParquet([{ ...UUIDS, nullable: isNullable }], [
        ...given,
      ], { batchRows: 2 });
      await assert.rejects(written, (error: unknown) => {
        assert.ok(error instanceof ValueError, String(error));
        assert.deepEqual([error.field, error.row, error.value], ["id", 3, text]);
        return true;
      });
    }
  });
}

Deno.test("files of UUIDs are joined as they are", async () => {
  const parts = [ROWS.slice(0, 100), ROWS.slice(100, 300)];
  async function* inputs() {
    for (const rows of parts) yield inputOf(await writeParquet([UUIDS], rows));
  }
  const request = { fields: [UUIDS], compression: "zstd", options: {} } as const;
  const whole = concat(...await Array.fromAsync((await parquet.join(inputs(), request))!));
  assert.deepEqual(await readAll(parquet, inputOf(whole), [UUIDS]), parts.flat());
});
