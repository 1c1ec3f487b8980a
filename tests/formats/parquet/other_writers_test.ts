/** Files of other writers: what is read of them, and why the others are refused. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { DXTError } from "../../../src/core/errors.ts";
import {
  ColumnChunk,
  FileMetaData,
  RowGroup,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { I64, ThriftStruct } from "../../../src/formats/parquet/thrift/thrift.ts";
import { field, inputOf, readAll } from "../json/support.ts";
import { asForeign, editFooter, emptyRowGroup, writeParquet } from "./support.ts";

const FIELDS = [field("i", "int64"), field("s", "string")];
const RECORDS = Array.from({ length: 5 }, (_, i) => ({ i: BigInt(i), s: `row ${i}` }));
const FILE = await writeParquet(FIELDS, RECORDS, { options: { row_group_rows: 2 } });

const infer = (bytes: Uint8Array) =>
  parquet.inferFields(inputOf(bytes), { compression: "none", options: {} });
const read = async (bytes: Uint8Array, columns = FIELDS) =>
  await readAll(parquet, inputOf(bytes), columns);

/** Row groups of a file with one without rows before the others of these numbers. */
function withEmptyGroups(...at: number[]): Uint8Array {
  return asForeign(FILE, (metadata) => {
    const groups = metadata.structs(FileMetaData.rowGroups);
    const empty = emptyRowGroup(metadata);
    for (const place of at.toReversed()) groups.splice(place, 0, empty);
    metadata.setStructs(FileMetaData.rowGroups, groups);
  });
}

Deno.test("row groups without rows are read, wherever they are", async () => {
  for (const at of [[0], [1], [3], [0, 0, 1, 3]]) {
    assert.deepEqual(await read(withEmptyGroups(...at)), RECORDS, `at ${at}`);
  }
});

Deno.test("a file of nothing but row groups without rows has its fields and no rows", async () => {
  for (const count of [0, 1, 2]) {
    const empty = asForeign(FILE, (metadata) => {
      const groups = Array.from({ length: count }, () => emptyRowGroup(metadata));
      metadata.setStructs(FileMetaData.rowGroups, groups).set(FileMetaData.numRows, I64, 0);
    });
    assert.deepEqual((await infer(empty)).map(({ name, dtype }) => [name, dtype]), [
      ["i", "int64"],
      ["s", "string"],
    ]);
    assert.deepEqual(await read(empty), []);
  }
});

Deno.test("a footer that leaves its number of rows 0 is read by its row groups", async () => {
  const file = asForeign(FILE, (metadata) => metadata.set(FileMetaData.numRows, I64, 0));
  assert.deepEqual(await read(file), RECORDS);
});

/** Edits of the first row group's second column. */
function withChunk(edit: (chunk: ThriftStruct) => void): Uint8Array {
  return asForeign(FILE, (metadata) => {
    edit(metadata.structs(FileMetaData.rowGroups)[0]!.structs(RowGroup.columns)[1]!);
  });
}

const encrypted = withChunk((chunk) =>
  chunk.setStruct(ColumnChunk.crypto, new ThriftStruct().setStruct(1, new ThriftStruct()))
);

const text = (value: string) => new TextEncoder().encode(value);

const REFUSED: Record<string, readonly [file: Uint8Array, reason: RegExp]> = {
  "no bytes": [new Uint8Array(), /it has 0 bytes, too few for a Parquet file$/],
  "a few bytes": [text("PAR1PAR1"), /it has 8 bytes/],
  "text": [text("id,name\n1,a\n2,b\n"), /it neither begins nor ends with PAR1$/],
  "an Arrow file": [text("ARROW1\0\0.......ARROW1"), /looks like Arrow, expected format arrow$/],
  "a compressed file": [gzipSync(FILE), /looks like a file compressed with gzip$/],
  "a cut file": [
    FILE.slice(0, -20),
    /begins with PAR1 but does not end with it, expected a complete/,
  ],
  "an encrypted footer": [
    FILE.map((byte, i) => i === FILE.length - 1 ? 0x45 : byte),
    /its footer is encrypted, expected a file without encryption$/,
  ],
  "an encrypted column": [
    encrypted,
    /Cannot read column "s" of "test": it is encrypted, leave it out with `only_declared_fields/,
  ],
  "columns in other files": [
    withChunk((chunk) => chunk.setText(ColumnChunk.filePath, "part-0.parquet")),
    /its columns are stored in other files, the first in "part-0.parquet"$/,
  ],
  "rows that contradict each other": [
    editFooter(FILE, (metadata) => metadata.set(FileMetaData.numRows, I64, 4)),
    /it declares 4 rows, but its row groups have 5$/,
  ],
};

for (const [what, [file, reason]] of Object.entries(REFUSED)) {
  Deno.test(`${what} is refused with the reason`, async () => {
    await assert.rejects(read(file), (error) => {
      assert.ok(error instanceof DXTError);
      assert.match(error.message, reason);
      return true;
    });
  });
}

Deno.test("columns beside an encrypted one are read", async () => {
  assert.deepEqual((await infer(encrypted)).map(({ name }) => name), ["i", "s"]);
  assert.deepEqual(await read(encrypted, FIELDS.slice(0, 1)), RECORDS.map(({ i }) => ({ i })));
});
