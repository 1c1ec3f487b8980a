/** Parquet files that dxt wrote → one: their row groups behind each other as they are, one footer. */
import { isDeepStrictEqual } from "node:util";
import { DXTError, messageOf, SchemaError, ValidationError } from "../../core/errors.ts";
import type { FileInput, WriteRequest } from "../format.ts";
import { INFINITE, refuseInfinity } from "../text/infinity.ts";
import { type Footer, readFooter } from "./reader/footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  MAGIC,
  MAX_ORDINAL,
  RowGroup,
  Statistics,
} from "./thrift/metadata.ts";
import { checkRanges, isNative, openNative } from "./reader/native_reader.ts";
import { footerParts } from "./reader/row_group_file.ts";
import { EncodedStruct, encodeStruct, I16, I64, ThriftStruct } from "./thrift/thrift.ts";
import { PAGE_ROWS, PAGES_BYTES } from "./writer/page_values.ts";
import { parquetBytes } from "./writer/write.ts";

/** Bytes that are read at once: what stays in the processor's cache until it is written. */
const CHUNK = 1024 * 1024;

/** As the format's `join`. */
export async function joinParquet(
  parts: AsyncIterable<FileInput>,
  request: WriteRequest,
): Promise<AsyncGenerator<Uint8Array, void, void> | undefined> {
  // Row groups stay as they are.
  if (request.options.row_group_rows !== undefined) return undefined;
  const rest = parts[Symbol.asyncIterator]();
  const first = await rest.next();
  if (first.done === true) return parquetBytes(none(), request);
  try {
    await footerOf(first.value, request);
  } catch (error) {
    if (error instanceof ValidationError || error instanceof SchemaError) return undefined;
    throw error;
  }
  return joined(first.value, { [Symbol.asyncIterator]: () => rest }, request);
}

async function* joined(
  first: FileInput,
  rest: AsyncIterable<FileInput>,
  request: WriteRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const memory = request.recycle === true ? new Uint8Array(CHUNK) : undefined;
  const groups: EncodedStruct[] = [];
  let metadata: ThriftStruct | undefined;
  let rows = 0;
  let at = MAGIC.length;
  async function* parts() {
    yield first;
    yield* rest;
  }
  for await (const part of parts()) {
    const footer = await footerOf(part, request);
    await refuseInfinite(part, footer, rows);
    if (metadata === undefined) yield MAGIC.slice();
    metadata ??= footer.metadata;
    for (const group of footer.metadata.structs(FileMetaData.rowGroups)) {
      groups.push(movedGroup(group, at - MAGIC.length, groups.length));
    }
    rows += footer.rowGroups.reduce((sum, group) => sum + group.rows, 0);
    at += footer.start - MAGIC.length;
    for (let from = MAGIC.length; from < footer.start; from += CHUNK) {
      yield await part.read(from, Math.min(footer.start, from + CHUNK), memory);
    }
  }
  metadata!.set(FileMetaData.numRows, I64, rows).setStructs(FileMetaData.rowGroups, groups);
  yield* footerParts(metadata!);
}

async function* none() {}

/** @throws {ValidationError | SchemaError} for a file that dxt did not write, or of other fields */
async function footerOf(part: FileInput, { fields }: WriteRequest): Promise<Footer> {
  try {
    const footer = await readFooter(part);
    if (!isNative(footer)) {
      throw new ValidationError(`Cannot join "${part.name}": dxt did not write it`);
    }
    checkRanges(footer);
    // As they are kept: without keys that are undefined.
    if (isDeepStrictEqual(footer.kept, JSON.parse(JSON.stringify(fields)))) return footer;
    throw new SchemaError(`Cannot join "${part.name}": its fields are not those of the others`);
  } catch (error) {
    if (error instanceof DXTError) throw error;
    throw new ValidationError(`Cannot join "${part.name}": ${messageOf(error)}`, { cause: error });
  }
}

/** Looks at the bounds alone, and for the row only where one of them is infinite. */
async function refuseInfinite(part: FileInput, footer: Footer, rowsBefore: number): Promise<void> {
  for (const [column, field] of footer.kept.entries()) {
    if (!hasInfiniteBound(footer, column)) continue;
    let rows = rowsBefore;
    const bounds = { batchRows: PAGE_ROWS, batchBytes: PAGES_BYTES };
    for await (const batch of openNative(part, footer, [field.name]).batches(bounds)) {
      refuseInfinity(batch, [field], rows);
      rows += batch.numRows;
    }
  }
}

function hasInfiniteBound({ kept, rowGroups }: Footer, column: number): boolean {
  const { dtype } = kept[column]!;
  const infinite = INFINITE[dtype]?.map(([raw]) => raw);
  return infinite !== undefined && rowGroups.some(({ chunks }) => {
    const metadata = chunks[column]!.struct(ColumnChunk.metadata);
    const statistics = metadata?.struct(ColumnMetaData.statistics);
    return [Statistics.min, Statistics.max].some((bound) => {
      const bytes = statistics?.get(bound);
      if (!(bytes instanceof Uint8Array)) return false;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return infinite.includes(
        dtype === "date" ? view.getInt32(0, true) : view.getBigInt64(0, true),
      );
    });
  });
}

/** A row group at another place, with what the writer here says of it and no more. */
function movedGroup(group: ThriftStruct, shift: number, ordinal: number): EncodedStruct {
  const { columns, totalByteSize, numRows, fileOffset, totalCompressedSize } = RowGroup;
  const moved = group.pick(totalByteSize, numRows, totalCompressedSize)
    .set(fileOffset, I64, (group.number(fileOffset) ?? 0) + shift)
    .setStructs(columns, group.structs(columns).map((chunk) => movedChunk(chunk, shift)));
  if (ordinal <= MAX_ORDINAL) moved.set(RowGroup.ordinal, I16, ordinal);
  return new EncodedStruct(encodeStruct(moved));
}

function movedChunk(chunk: ThriftStruct, shift: number): ThriftStruct {
  const { type, encodings, path, codec, numValues, uncompressedSize, compressedSize, statistics } =
    ColumnMetaData;
  const { dataPageOffset } = ColumnMetaData;
  const from = chunk.struct(ColumnChunk.metadata)!;
  const metadata = from
    .pick(type, encodings, path, codec, numValues, uncompressedSize, compressedSize, statistics)
    .set(dataPageOffset, I64, from.number(dataPageOffset)! + shift);
  return new ThriftStruct()
    .set(ColumnChunk.fileOffset, I64, 0)
    .setStruct(ColumnChunk.metadata, metadata);
}
