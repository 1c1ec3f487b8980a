/** Joins Parquet files that dxt wrote: copies their row groups unchanged and writes one footer. */
import { isDeepStrictEqual } from "node:util";
import { DXTError, messageOf, SchemaError, ValidationError } from "../../core/errors.ts";
import type { FileInput, WriteRequest } from "../format.ts";
import { INFINITE_VALUES, refuseInfinity } from "../text/infinity.ts";
import { listElement } from "./elements.ts";
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
import { checkOverlaps, isNative, openNative } from "./reader/native_reader.ts";
import { encodeFooter } from "./reader/row_group_file.ts";
import { EncodedStruct, encodeStruct, I16, I64, ThriftStruct } from "./thrift/thrift.ts";
import { PAGE_ROWS, PAGES_BYTES } from "./writer/page_values.ts";
import { writeParquet } from "./writer/encoder.ts";

/** Copy size: it fits the processor's cache until it is written. */
const CHUNK = 1024 * 1024;

/** Implements the format's `join`. */
export async function joinParquet(
  parts: AsyncIterable<FileInput>,
  request: WriteRequest,
): Promise<AsyncGenerator<Uint8Array, void, void> | undefined> {
  // Row groups are copied unchanged, so their row counts cannot be chosen.
  if (request.options.row_group_rows !== undefined) return undefined;
  // A stage has arrays as JSON.
  if (request.fields.some((field) => listElement(field) !== undefined)) return undefined;
  const remaining = parts[Symbol.asyncIterator]();
  const first = await remaining.next();
  if (first.done === true) return writeParquet(noBatches(), request);
  try {
    await readOwnFooter(first.value, request);
  } catch (error) {
    if (error instanceof ValidationError || error instanceof SchemaError) return undefined;
    throw error;
  }
  return joinFiles(first.value, { [Symbol.asyncIterator]: () => remaining }, request);
}

async function* joinFiles(
  first: FileInput,
  remaining: AsyncIterable<FileInput>,
  request: WriteRequest,
): AsyncGenerator<Uint8Array, void, void> {
  const memory = request.recycle === true ? new Uint8Array(CHUNK) : undefined;
  const groups: EncodedStruct[] = [];
  let metadata: ThriftStruct | undefined;
  let rows = 0;
  let at = MAGIC.length;
  async function* parts() {
    yield first;
    yield* remaining;
  }
  for await (const part of parts()) {
    const footer = await readOwnFooter(part, request);
    await refuseInfiniteValues(part, footer, rows);
    if (metadata === undefined) yield MAGIC.slice();
    metadata ??= footer.metadata;
    for (const group of footer.metadata.structs(FileMetaData.rowGroups)) {
      groups.push(moveGroup(group, at - MAGIC.length, groups.length));
    }
    rows += footer.rowGroups.reduce((sum, group) => sum + group.rows, 0);
    at += footer.start - MAGIC.length;
    for (let from = MAGIC.length; from < footer.start; from += CHUNK) {
      yield await part.read(from, Math.min(footer.start, from + CHUNK), memory);
    }
  }
  metadata!.set(FileMetaData.numRows, I64, rows).setStructs(FileMetaData.rowGroups, groups);
  yield* encodeFooter(metadata!);
}

async function* noBatches() {}

/** @throws {ValidationError | SchemaError} for a file of another writer or with other fields */
async function readOwnFooter(part: FileInput, { fields }: WriteRequest): Promise<Footer> {
  try {
    const footer = await readFooter(part);
    if (!isNative(footer)) {
      throw new ValidationError(`Cannot join "${part.name}": dxt did not write it`);
    }
    checkOverlaps(footer);
    // Compare with the stored JSON, which has no undefined keys.
    if (isDeepStrictEqual(footer.ownFields, JSON.parse(JSON.stringify(fields)))) return footer;
    throw new SchemaError(`Cannot join "${part.name}": its fields differ from the first file's`);
  } catch (error) {
    if (error instanceof DXTError) throw error;
    throw new ValidationError(`Cannot join "${part.name}": ${messageOf(error)}`, { cause: error });
  }
}

/** Checks the statistics; reads the values, to find the row, only where a bound is infinite. */
async function refuseInfiniteValues(
  part: FileInput,
  footer: Footer,
  rowsBefore: number,
): Promise<void> {
  for (const [column, field] of footer.ownFields.entries()) {
    if (!hasInfiniteBound(footer, column)) continue;
    let rows = rowsBefore;
    const bounds = { batchRows: PAGE_ROWS, batchBytes: PAGES_BYTES };
    for await (const batch of openNative(part, footer, [field.name]).batches(bounds)) {
      refuseInfinity(batch, [field], rows);
      rows += batch.numRows;
    }
  }
}

function hasInfiniteBound({ ownFields, rowGroups }: Footer, column: number): boolean {
  const { dtype } = ownFields[column]!;
  const infinite = INFINITE_VALUES[dtype]?.map(([raw]) => raw);
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

/** Moves a row group to another offset; keeps only what dxt's own writer would write. */
function moveGroup(group: ThriftStruct, shift: number, ordinal: number): EncodedStruct {
  const { columns, totalByteSize, numRows, fileOffset, totalCompressedSize } = RowGroup;
  const moved = group.pick(totalByteSize, numRows, totalCompressedSize)
    .set(fileOffset, I64, (group.number(fileOffset) ?? 0) + shift)
    .setStructs(columns, group.structs(columns).map((chunk) => moveChunk(chunk, shift)));
  if (ordinal <= MAX_ORDINAL) moved.set(RowGroup.ordinal, I16, ordinal);
  return new EncodedStruct(encodeStruct(moved));
}

function moveChunk(chunk: ThriftStruct, shift: number): ThriftStruct {
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
