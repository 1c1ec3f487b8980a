/** Parquet files for tests, and their values as text that tells every bit of them. */
import { buildBatches, type Data, readFields, unscaledReader } from "../../../src/arrow/mod.ts";
import { isNull } from "../../../src/arrow/mod.ts";
import type { Batch } from "../../../src/core/contracts/batch.ts";
import type { DXTRecord } from "../../../src/core/values/values.ts";
import { concat } from "../../../src/core/values/bytes.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  RowGroup,
} from "../../../src/formats/parquet/thrift/metadata.ts";
import parquet from "../../../src/formats/parquet/parquet.ts";
import { encodeFooter } from "../../../src/formats/parquet/reader/row_group_file.ts";
import { decodeStruct, I64, ThriftStruct } from "../../../src/formats/parquet/thrift/thrift.ts";
import type { Field } from "../../../src/models/field.ts";
import type { Compression, FormatOptions } from "../../../src/models/format.ts";

export interface WriteSettings {
  readonly compression?: Compression;
  readonly options?: FormatOptions;
  /** Rows of each batch that is written. */
  readonly batchRows?: number;
}

export async function writeParquet(
  fields: readonly Field[],
  records: Iterable<DXTRecord>,
  { compression = "zstd", options = {}, batchRows = 1000 }: WriteSettings = {},
): Promise<Uint8Array> {
  const batches = buildBatches(fields, records, { rows: batchRows, bytes: 1 << 26 });
  return concat(
    ...await Array.fromAsync(parquet.write(batches, { fields, compression, options })),
  );
}

/** The file with another footer, made by `edit` out of its own. */
export function editFooter(file: Uint8Array, edit: (metadata: ThriftStruct) => void): Uint8Array {
  const size = new DataView(file.buffer, file.byteOffset).getUint32(file.length - 8, true);
  const metadata = decodeStruct(file.subarray(file.length - 8 - size, -8));
  edit(metadata);
  return concat(file.subarray(0, file.length - 8 - size), ...encodeFooter(metadata));
}

/** The file as if another program had written it. */
export function asForeign(
  file: Uint8Array,
  edit: (metadata: ThriftStruct) => void = () => {},
): Uint8Array {
  return editFooter(file, (metadata) => {
    metadata.setText(FileMetaData.createdBy, "another writer");
    metadata.fields.delete(FileMetaData.keyValues);
    edit(metadata);
  });
}

/** A row group as pyarrow writes one of a table without rows. */
export function emptyRowGroup(metadata: ThriftStruct): ThriftStruct {
  const [group] = metadata.structs(FileMetaData.rowGroups);
  const chunks = group!.structs(RowGroup.columns).map((chunk) =>
    chunk.pick(...chunk.fields.keys()).setStruct(
      ColumnChunk.metadata,
      chunk.struct(ColumnChunk.metadata)!.pick(
        ColumnMetaData.type,
        ColumnMetaData.encodings,
        ColumnMetaData.path,
        ColumnMetaData.codec,
      )
        .set(ColumnMetaData.numValues, I64, 0)
        .set(ColumnMetaData.uncompressedSize, I64, 14)
        .set(ColumnMetaData.compressedSize, I64, 15)
        .set(ColumnMetaData.dataPageOffset, I64, 0)
        .set(ColumnMetaData.dictionaryPageOffset, I64, 4),
    )
  );
  return new ThriftStruct()
    .setStructs(RowGroup.columns, chunks)
    .set(RowGroup.totalByteSize, I64, 14)
    .set(RowGroup.numRows, I64, 0);
}

/** Each value of a batch as text: NULL is null, bytes are hexadecimal, times are their numbers. */
export function textsOf(batch: Batch, fields = readFields(batch.schema)): (string | null)[][] {
  const readers = fields.map((field, i) => textReader(field, batch.data.children[i]!));
  return Array.from({ length: batch.numRows }, (_, row) => readers.map((read) => read(row)));
}

function textReader(field: Field, data: Data): (row: number) => string | null {
  const read = presentReader(field, data);
  return (row) => isNull(data, row) ? null : read(row);
}

function presentReader({ dtype }: Field, data: Data): (row: number) => string {
  switch (dtype) {
    case "decimal": {
      const unscaled = unscaledReader(data);
      return (row) => String(unscaled(row));
    }
    case "bool":
      return (row) =>
        String((data.values[(data.offset + row) >> 3] & (1 << ((data.offset + row) & 7))) !== 0);
    case "string":
    case "binary":
    case "json":
    case "array":
    case "object":
      return (row) =>
        data.values.subarray(data.valueOffsets[row], data.valueOffsets[row + 1]).toHex();
    case "float32":
    case "float64":
      return (row) => floatText(data.values[row]);
    default:
      return (row) => String(data.values[row]);
  }
}

/** A double as text that tells zero's sign. */
export function floatText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

/** Runs a test with the bytes as a file on the disk. */
export async function withFile(
  bytes: Uint8Array,
  test: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".parquet" });
  try {
    await Deno.writeFile(path, bytes);
    await test(path);
  } finally {
    await Deno.remove(path);
  }
}
