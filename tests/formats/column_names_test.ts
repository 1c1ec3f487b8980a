/** Columns without a name, or with that of another, in files that say their schema. */
import assert from "node:assert/strict";
import {
  Field as ArrowField,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { concat } from "../../src/core/values/bytes.ts";
import arrow from "../../src/formats/arrow/arrow.ts";
import type { FileFormat } from "../../src/formats/format.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  RowGroup,
  SchemaElement,
} from "../../src/formats/parquet/thrift/metadata.ts";
import parquet from "../../src/formats/parquet/parquet.ts";
import { BINARY, LIST } from "../../src/formats/parquet/thrift/thrift.ts";
import { field, inputOf, readAll } from "./json/support.ts";
import { asForeign, writeParquet } from "./parquet/support.ts";

function arrowFile(names: readonly string[]): Uint8Array {
  const vectors = names.map((_, i) => vectorFromArray([`${i}`], new Utf8()));
  const schema = new Schema(names.map((name) => new ArrowField(name, new Utf8(), true)));
  const children = vectors.map((vector) => vector.data[0]!);
  const data = makeData({ type: new Struct(schema.fields), length: 1, nullCount: 0, children });
  const batch = new RecordBatch(schema, data as never);
  return concat(tableToIPC(new Table([batch]), "file"));
}

async function parquetFile(names: readonly string[]): Promise<Uint8Array> {
  const fields = names.map((_, i) => field(`c${i}`, "string"));
  const record = Object.fromEntries(fields.map(({ name }, i) => [name, `${i}`]));
  const file = await writeParquet(fields, [record]);
  return asForeign(file, (metadata) => {
    const [, ...elements] = metadata.structs(FileMetaData.schema);
    const [group] = metadata.structs(FileMetaData.rowGroups);
    names.forEach((name, i) => {
      elements[i]!.setText(SchemaElement.name, name);
      group!.structs(RowGroup.columns)[i]!.struct(ColumnChunk.metadata)!
        .set(ColumnMetaData.path, LIST, {
          element: BINARY,
          items: [new TextEncoder().encode(name)],
        });
    });
  });
}

const NAMES: readonly (readonly [found: readonly string[], made: readonly string[]])[] = [
  [[""], ["column_1"]],
  [["a", "", "b"], ["a", "column_2", "b"]],
  [["", ""], ["column_1", "column_2"]],
  [["a", "a"], ["a", "a_2"]],
  [["a", "a_2", "a"], ["a", "a_2", "a_3"]],
  [["column_2", ""], ["column_2", "column_2_2"]],
  [[" ", "A", "a", "__proto__"], [" ", "A", "a", "__proto__"]],
];

const FORMATS: readonly (readonly [FileFormat, (names: readonly string[]) => unknown])[] = [
  [arrow, arrowFile],
  [parquet, parquetFile],
];

for (const [format, write] of FORMATS) {
  Deno.test(`${format.name}: columns without a name of their own are read under made ones`, async () => {
    for (const [found, made] of NAMES) {
      const file = await write(found) as Uint8Array;
      const input = inputOf(file);
      const warnings: string[] = [];
      const warn = (message: string) => warnings.push(message);
      const fields = await format.inferFields(input, { compression: "none", options: {}, warn });
      const isMade = made.some((name, i) => name !== found[i]);
      assert.equal(warnings.length, isMade ? 1 : 0, `${found}`);
      for (const name of made.filter((name, i) => name !== found[i])) {
        assert.ok(warnings[0]!.includes(`is read as "${name}"`), warnings[0]);
      }
      assert.deepEqual(fields.map(({ name }) => name), made);
      const [record] = await readAll(format, input, fields);
      assert.deepEqual(Object.entries(record!), made.map((name, i) => [name, `${i}`]));
      for (const [i, one] of fields.entries()) {
        assert.deepEqual(Object.values((await readAll(format, input, [one]))[0]!), [`${i}`]);
      }
    }
  });
}
