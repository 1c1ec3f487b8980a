/**
 * A row group with some of its columns as a Parquet file of its own, small enough for memory. Its
 * schema is the Parquet one alone: Arrow's, which other writers leave in their files, makes the
 * decoder give layouts that depend on the writer (views, dictionaries, large lists).
 */
import { concat } from "../../text/ascii.ts";
import type { FileInput } from "../../format.ts";
import type { Chunk } from "./chunk_pages.ts";
import { chunkRange, type Footer, type ParquetColumn, type ParquetRowGroup } from "./footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  MAGIC,
  PhysicalType,
  RowGroup,
  SchemaElement,
} from "../thrift/metadata.ts";
import { encodeStruct, I32, I64, ThriftStruct } from "../thrift/thrift.ts";

/** A file with the columns' types and no rows. */
export function schemaFile(footer: Footer, columns: readonly ParquetColumn[]): Uint8Array {
  return fileOf(footerOf(footer, columns, 0), new Uint8Array());
}

/** Bytes that the columns of a row group take before they are compressed. */
function uncompressedSize(
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
): number {
  return chunksOf(group, columns).reduce((sum, { chunk }) => {
    const metadata = chunk.struct(ColumnChunk.metadata)!;
    return sum + Math.max(0, metadata.number(ColumnMetaData.uncompressedSize) ?? 0);
  }, 0);
}

/** Bytes that the first writers of dictionaries forgot in the size of a chunk, at most. */
const FORGOTTEN = 100;

/**
 * A file with the columns of one row group.
 *
 * @param inspect looks at the bytes of each chunk, which may be followed by others; gives where it ends
 */
export async function rowGroupFile(
  input: FileInput,
  footer: Footer,
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
  inspect: (chunk: Chunk, input: Pick<FileInput, "read">) => Promise<number>,
): Promise<Uint8Array> {
  const ranges = chunksOf(group, columns).map(({ chunk, column }) => {
    const [start, said] = chunkRange(chunk, footer.start);
    return { chunk, column, start, end: Math.min(said + FORGOTTEN, footer.start) };
  });
  // All is read into one memory: row groups of other writers are large.
  const body = new Uint8Array(ranges.reduce((sum, { start, end }) => sum + end - start, 0));
  const chunks: ThriftStruct[] = [];
  let size = 0;
  for (const { chunk, column, start, end } of ranges) {
    const bytes = await input.read(start, end, body.subarray(size, size + end - start));
    const within = {
      read: (from: number, to: number) => Promise.resolve(bytes.subarray(from - start, to - start)),
    };
    const last = await inspect({ struct: chunk, name: column.name }, within);
    if (bytes.buffer !== body.buffer) body.set(bytes, size);
    chunks.push(movedChunk(chunk, column, MAGIC.length + size - start, last - start));
    size += last - start;
  }
  const rowGroup = new ThriftStruct()
    .setStructs(RowGroup.columns, chunks)
    .set(RowGroup.totalByteSize, I64, uncompressedSize(group, columns))
    .set(RowGroup.numRows, I64, group.rows);
  const metadata = footerOf(footer, columns, group.rows)
    .setStructs(FileMetaData.rowGroups, [rowGroup]);
  return fileOf(metadata, body.subarray(0, size));
}

function chunksOf(group: ParquetRowGroup, columns: readonly ParquetColumn[]) {
  return columns.flatMap((column) =>
    group.chunks.slice(...column.leaves).map((chunk) => ({ chunk, column }))
  );
}

/** The chunk at another place, without statistics and indexes, which nobody asks for here. */
function movedChunk(
  chunk: ThriftStruct,
  column: ParquetColumn,
  shift: number,
  size: number,
): ThriftStruct {
  const { type, encodings, path, codec, numValues, uncompressedSize, compressedSize } =
    ColumnMetaData;
  const from = chunk.struct(ColumnChunk.metadata)!;
  const metadata = from
    .pick(type, encodings, path, codec, numValues, uncompressedSize)
    .set(compressedSize, I64, size)
    .set(
      ColumnMetaData.dataPageOffset,
      I64,
      from.number(ColumnMetaData.dataPageOffset)! + shift,
    );
  const dictionary = from.number(ColumnMetaData.dictionaryPageOffset) ?? 0;
  if (dictionary > 0) {
    metadata.set(ColumnMetaData.dictionaryPageOffset, I64, dictionary + shift);
  }
  if (column.raw === "int96") metadata.set(type, I32, PhysicalType.FIXED);
  return new ThriftStruct()
    .set(ColumnChunk.fileOffset, I64, 0)
    .setStruct(ColumnChunk.metadata, metadata);
}

function footerOf(
  footer: Footer,
  columns: readonly ParquetColumn[],
  rows: number,
): ThriftStruct {
  const root = new ThriftStruct()
    .setText(SchemaElement.name, "root")
    .set(SchemaElement.numChildren, I32, columns.length);
  return footer.metadata.pick(FileMetaData.version, FileMetaData.createdBy)
    .setStructs(FileMetaData.schema, [root, ...columns.flatMap(({ elements }) => elements)])
    .set(FileMetaData.numRows, I64, rows)
    .setStructs(FileMetaData.rowGroups, []);
}

/** Magic, row groups, footer, its size, magic. */
function fileOf(metadata: ThriftStruct, body: Uint8Array): Uint8Array {
  return concat(MAGIC, body, ...footerParts(metadata));
}

/** What ends a file: its footer, the footer's size and the magic bytes. */
export function footerParts(metadata: ThriftStruct): [Uint8Array, Uint8Array, Uint8Array] {
  const footer = encodeStruct(metadata);
  return [footer, new Uint8Array(Uint32Array.of(footer.length).buffer), MAGIC];
}
