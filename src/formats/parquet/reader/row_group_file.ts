/**
 * Builds a Parquet file in memory from some columns of one row group. It has the Parquet schema
 * only: the Arrow schema that other writers add makes the library return layouts that depend on the
 * writer (views, dictionaries, large lists).
 */
import { concat } from "../../../core/values/bytes.ts";
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

/** Builds a file with the columns' types and no rows. */
export function buildSchemaFile(footer: Footer, columns: readonly ParquetColumn[]): Uint8Array {
  return assembleFile(createFooter(footer, columns, 0), new Uint8Array());
}

/** Bytes of the columns of a row group before compression. */
function uncompressedSize(
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
): number {
  return listChunks(group, columns).reduce((sum, { chunk }) => {
    const metadata = chunk.struct(ColumnChunk.metadata)!;
    return sum + Math.max(0, metadata.number(ColumnMetaData.uncompressedSize) ?? 0);
  }, 0);
}

/** Most bytes that the first writers of dictionaries left out in a chunk's size. */
const SIZE_ERROR = 100;

/**
 * Builds a file with columns of one row group.
 *
 * @param inspect checks the bytes of a chunk, which others may follow, and returns the chunk's end
 */
export async function buildRowGroupFile(
  input: FileInput,
  footer: Footer,
  group: ParquetRowGroup,
  columns: readonly ParquetColumn[],
  inspect: (chunk: Chunk, input: Pick<FileInput, "read">) => Promise<number>,
): Promise<Uint8Array> {
  const ranges = listChunks(group, columns).map(({ chunk, column }) => {
    const [start, declaredEnd] = chunkRange(chunk, footer.start);
    return { chunk, column, start, end: Math.min(declaredEnd + SIZE_ERROR, footer.start) };
  });
  // All chunks share one buffer: row groups of other writers are large.
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
    chunks.push(moveChunk(chunk, column, MAGIC.length + size - start, last - start));
    size += last - start;
  }
  const rowGroup = new ThriftStruct()
    .setStructs(RowGroup.columns, chunks)
    .set(RowGroup.totalByteSize, I64, uncompressedSize(group, columns))
    .set(RowGroup.numRows, I64, group.rows);
  const metadata = createFooter(footer, columns, group.rows)
    .setStructs(FileMetaData.rowGroups, [rowGroup]);
  return assembleFile(metadata, body.subarray(0, size));
}

function listChunks(group: ParquetRowGroup, columns: readonly ParquetColumn[]) {
  return columns.flatMap((column) =>
    group.chunks.slice(...column.leaves).map((chunk) => ({ chunk, column }))
  );
}

/** Moves a chunk to another offset, without statistics and indexes. */
function moveChunk(
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

function createFooter(
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

/** Joins magic bytes, row groups, footer, footer size, magic bytes. */
function assembleFile(metadata: ThriftStruct, body: Uint8Array): Uint8Array {
  return concat(MAGIC, body, ...encodeFooter(metadata));
}

/** Returns the end of a file: its footer, the footer's size and the magic bytes. */
export function encodeFooter(metadata: ThriftStruct): [Uint8Array, Uint8Array, Uint8Array] {
  const footer = encodeStruct(metadata);
  return [footer, new Uint8Array(Uint32Array.of(footer.length).buffer), MAGIC];
}
