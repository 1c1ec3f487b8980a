/**
 * Reads files that dxt wrote straight into Arrow's buffers: their pages have the layout of batches
 * and few encodings. A hostile file may only claim to be one, so everything is checked.
 */
import {
  arrowSchema,
  byteLength,
  checkBounds,
  createCanonicalizer,
  type Data,
  holdsJSON,
  readFields,
  type Schema,
  splitBatch,
  wrapBatch,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { Projection } from "../../../core/contracts/extractor.ts";
import { ValueError } from "../../../core/errors.ts";
import { isJSONType } from "../../../core/values/kinds.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput } from "../../format.ts";
import { ColumnPages } from "./column_pages.ts";
import { createElements } from "../elements.ts";
import { chunkRange, findColumns, type Footer, type ParquetRowGroup } from "./footer.ts";
import { ColumnChunk, ColumnMetaData, CREATED_BY, FileMetaData } from "../thrift/metadata.ts";
import { createPageDecoder, type Page, type PageDecoder, slicePage } from "./page.ts";
import type { ParquetReader } from "./reader.ts";
import { encodeStruct, ThriftError, type ThriftStruct } from "../thrift/thrift.ts";
import { findCodec } from "../codec.ts";

/** Most bytes of one set of pages; no row of any system is larger. */
const MAX_BYTES = 5 * 2 ** 28;

/** Whether dxt's own writer wrote the file, and its columns match its fields. */
export function isNative({ metadata, columns, ownFields }: Footer): boolean {
  return metadata.text(FileMetaData.createdBy) === CREATED_BY && ownFields.length > 0 &&
    !columns.some(({ isEncrypted }) => isEncrypted) && columns.length === ownFields.length &&
    ownFields.every((field, i) => {
      const { declared } = columns[i]!;
      return declared.length === 1 && isOfField(declared, field);
    });
}

/** Whether dxt's own writer would declare a field's column like this. */
export function isOfField(declared: readonly ThriftStruct[], field: Field): boolean {
  const elements = createElements(field);
  return declared.length === elements.length &&
    declared.every((struct, i) => equalBytes(encodeStruct(struct), encodeStruct(elements[i]!)));
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Opens some columns of a file that dxt wrote.
 *
 * @throws {SchemaError} when a column is missing
 */
export function openNative(
  input: FileInput,
  footer: Footer,
  names: readonly string[] = footer.ownFields.map(({ name }) => name),
): ParquetReader {
  const columns = findColumns(footer, names, input.name);
  const fields = columns.map((i) => footer.ownFields[i]!);
  const schema = arrowSchema(fields);
  // Rows are counted from pages, not from the footer, so one column is read even when none is
  // requested.
  const needed = columns.length === 0 ? [0] : columns;
  return {
    fields,
    made: footer.made,
    async *batches({ projections, proven = false, batchRows, batchBytes, recycle = false }) {
      checkOverlaps(footer);
      const canonical = projections && nativeCanonicalizer(schema, projections, proven);
      const decoders = needed.map((i) => createPageDecoder(footer.ownFields[i]!, recycle));
      const memory: Memory | undefined = recycle ? [] : undefined;
      for (const group of footer.rowGroups) {
        const columnPages = await openColumns(input, footer, group, needed, decoders, memory);
        for (const { rows, pages } of pageSets(columnPages, group.rows)) {
          const batch = batchOfPages(pages, 0, rows);
          const parts = Math.ceil(byteLength(batch) / batchBytes);
          const maxRows = Math.min(batchRows, Math.max(1, Math.floor(rows / parts)));
          for (let from = 0; from < rows; from += maxRows) {
            const some = rows <= maxRows
              ? batch
              : batchOfPages(pages, from, Math.min(rows, from + maxRows));
            yield* splitBatch(canonical?.(some) ?? some, { rows: batchRows, bytes: batchBytes });
          }
        }
      }
    },
  };

  function batchOfPages(pages: readonly Page[], from: number, to: number): Batch {
    const data = columns.map((_, i) => slicePage(pages[i]!, from, to));
    return wrapBatch(schema, data, to - from);
  }
}

/**
 * Checks that columns follow each other: overlapping ranges would make the same bytes be read again
 * and again.
 *
 * @throws {ThriftError} when they overlap
 */
export function checkOverlaps({ rowGroups, start: limit }: Footer): void {
  let previousEnd = 0;
  for (const { chunks } of rowGroups) {
    for (const chunk of chunks) {
      const [start, end] = chunkRange(chunk, limit);
      if (start < previousEnd) throw new ThriftError("its columns overlap");
      previousEnd = end;
    }
  }
}

/** Buffers that the next row group reuses, one for each range read. */
type Memory = Uint8Array[];

/** Reads columns of a row group; neighbouring columns with one read. */
async function openColumns(
  input: FileInput,
  footer: Footer,
  group: ParquetRowGroup,
  columns: readonly number[],
  decoders: readonly PageDecoder[],
  memory: Memory | undefined,
): Promise<ColumnPages[]> {
  const opened: ColumnPages[] = [];
  let count = 0;
  for (let i = 0; i < columns.length;) {
    const [start, firstEnd] = chunkRange(group.chunks[columns[i]!]!, footer.start);
    const ranges: [number, number][] = [[start, firstEnd]];
    while (i + ranges.length < columns.length) {
      const next = chunkRange(group.chunks[columns[i + ranges.length]!]!, footer.start);
      if (next[0] !== ranges.at(-1)![1]) break;
      ranges.push([...next]);
    }
    const end = ranges.at(-1)![1];
    const bytes = await input.read(start, end, memory && reuseBuffer(memory, count++, end - start));
    for (const [from, to] of ranges) {
      const pages = bytes.subarray(from - start, to - start);
      opened.push(openPages(footer, group, columns[i]!, pages, decoders[i]!));
      i++;
    }
  }
  return opened;
}

function reuseBuffer(memory: Memory, range: number, size: number): Uint8Array {
  const buffer = memory[range];
  // The next row group is about as large, or a little larger.
  return buffer !== undefined && buffer.length >= size
    ? buffer
    : memory[range] = new Uint8Array(Math.ceil(size * 1.125));
}

function openPages(
  footer: Footer,
  group: ParquetRowGroup,
  column: number,
  bytes: Uint8Array,
  decode: PageDecoder,
): ColumnPages {
  const field = footer.ownFields[column]!;
  const metadata = group.chunks[column]!.struct(ColumnChunk.metadata)!;
  const codec = findCodec(metadata.number(ColumnMetaData.codec));
  if (codec === undefined || metadata.number(ColumnMetaData.numValues) !== group.rows) {
    throw new ThriftError(`column "${field.name}" has another codec or number of values`);
  }
  return new ColumnPages(field, codec, bytes, decode);
}

/** Yields the next pages of all columns, which cover the same rows. */
function* pageSets(columns: readonly ColumnPages[], total: number) {
  for (let left = total; left > 0;) {
    const infos = columns.map((column) => column.next());
    const { rows } = infos[0]!;
    if (rows > left || infos.some((info) => info.rows !== rows)) {
      throw new ThriftError("its columns' pages have different rows");
    }
    if (infos.reduce((sum, { size }) => sum + size, 0) > MAX_BYTES) {
      throw new ThriftError("its pages are too large");
    }
    yield { rows, pages: columns.map((column, i) => column.read(infos[i]!)) };
    left -= rows;
  }
  if (columns.some((column) => !column.isAtEnd)) {
    throw new ThriftError(`a row group has more than the ${total} rows that it declares`);
  }
}

/**
 * Like `createCanonicalizer`, with a fast path for columns that already have the requested types.
 * Without `proven`, it also checks for values outside their type and text that is not JSON, which
 * a hostile file may contain.
 */
function nativeCanonicalizer(
  schema: Schema,
  projections: readonly Projection[],
  proven: boolean,
): (batch: Batch) => Batch {
  const general = createCanonicalizer(schema, projections);
  const embedded = readFields(schema);
  const columns = projections.map(({ field, column }) =>
    embedded.findIndex(({ name }) => name === (column ?? field.name))
  );
  const fields = projections.map(({ field }) => field);
  if (!fields.every((field, i) => haveSameType(field, embedded[columns[i]!]!))) return general;
  const requested = arrowSchema(fields);
  let rows = 0;
  return (batch) => {
    const data = columns.map((column) => batch.data.children[column]!);
    const rowsBefore = rows;
    rows += batch.numRows;
    try {
      if (fields.every((field, i) => canPass(data[i]!, field, proven))) {
        return wrapBatch(requested, data, batch.numRows);
      }
      // The general path finds the faulty value and throws.
      return createCanonicalizer(schema, projections)(batch);
    } catch (error) {
      if (!(error instanceof ValueError) || error.row === undefined) throw error;
      throw error.atRow(rowsBefore + error.row);
    }
  };
}

function haveSameType(a: Field, b: Field): boolean {
  return a.dtype === b.dtype && a.precision === b.precision && a.scale === b.scale;
}

function canPass(data: Data, { name, dtype, nullable }: Field, proven: boolean): boolean {
  if (!nullable && data.nullCount > 0) return false;
  if (proven) return true;
  checkBounds(data, name, true);
  return !isJSONType(dtype) || holdsJSON(data, dtype);
}
