/** Parquet files that dxt wrote → one: their row groups behind each other as they are, one footer. */
import { DXTError, messageOf, SchemaError, ValidationError } from "../../core/errors.ts";
import type { FileInput } from "../format.ts";
import { type Footer, readFooter } from "./footer.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  FileMetaData,
  KeyValue,
  MAGIC,
  MAX_ORDINAL,
  RowGroup,
} from "./metadata.ts";
import { checkRanges, equal, isOwn } from "./own.ts";
import { closing } from "./part.ts";
import { EncodedStruct, encodeStruct, I16, I64, ThriftStruct } from "./thrift.ts";

/** Bytes that are read at once: what stays in the processor's cache until it is written. */
const CHUNK = 1024 * 1024;

/** Several files as one. */
export interface Merged {
  /** Of the parts. */
  readonly footers: readonly Footer[];
  /**
   * The bytes of one file with the rows of all parts in their order; no page is decoded.
   *
   * @param recycle whether the memory of some may be used again when the next are asked for
   */
  bytes(recycle?: boolean): AsyncGenerator<Uint8Array, void, void>;
}

/**
 * Reads the footers of all parts.
 *
 * @throws {ValidationError} when there is no part, or one was not written by dxt or is malformed
 * @throws {SchemaError} when parts have different fields
 */
export async function mergeParquet(parts: readonly FileInput[]): Promise<Merged> {
  const groups: EncodedStruct[] = [];
  const footers: Footer[] = [];
  let rows = 0;
  let at = MAGIC.length;
  for (const part of parts) {
    const footer = await ownFooter(part);
    footers.push(footer);
    if (!haveSameFields(footers[0]!, footer)) {
      throw new SchemaError(
        `Cannot join "${part.name}" with "${parts[0]!.name}": their fields differ`,
      );
    }
    for (const group of footer.metadata.structs(FileMetaData.rowGroups)) {
      groups.push(movedGroup(group, at - MAGIC.length, groups.length));
    }
    rows += footer.rowGroups.reduce((sum, group) => sum + group.rows, 0);
    at += footer.start - MAGIC.length;
  }
  const [first] = footers;
  if (first === undefined) throw new ValidationError("Cannot join Parquet files: there is none");
  const metadata = first.metadata
    .set(FileMetaData.numRows, I64, rows)
    .setStructs(FileMetaData.rowGroups, groups);
  return { footers, bytes: (recycle) => bytesOf(parts, footers, metadata, recycle) };
}

async function* bytesOf(
  parts: readonly FileInput[],
  footers: readonly Footer[],
  metadata: ThriftStruct,
  recycle = false,
): AsyncGenerator<Uint8Array, void, void> {
  const memory = recycle ? new Uint8Array(CHUNK) : undefined;
  yield MAGIC.slice();
  for (const [i, part] of parts.entries()) {
    const end = footers[i]!.start;
    for (let at = MAGIC.length; at < end; at += CHUNK) {
      yield await part.read(at, Math.min(end, at + CHUNK), memory);
    }
  }
  yield* closing(metadata);
}

async function ownFooter(part: FileInput): Promise<Footer> {
  try {
    const footer = await readFooter(part);
    if (!isOwn(footer)) {
      throw new ValidationError(`Cannot join "${part.name}": dxt did not write it`);
    }
    checkRanges(footer);
    return footer;
  } catch (error) {
    if (error instanceof DXTError) throw error;
    throw new ValidationError(`Cannot join "${part.name}": ${messageOf(error)}`, { cause: error });
  }
}

/** Fields as dxt kept them, and with them the columns, which are those of the fields. */
function haveSameFields(a: Footer, b: Footer): boolean {
  return equal(keyValues(a), keyValues(b));
}

function keyValues({ metadata }: Footer): Uint8Array {
  const pairs = metadata.structs(FileMetaData.keyValues).map((pair) =>
    pair.pick(KeyValue.key, KeyValue.value)
  );
  return encodeStruct(new ThriftStruct().setStructs(FileMetaData.keyValues, pairs));
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
