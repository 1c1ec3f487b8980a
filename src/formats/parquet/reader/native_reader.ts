/**
 * Files that dxt wrote, read straight into Arrow's buffers: their pages are what batches are, and
 * hold few encodings. Whether a file says so or is so is not the same: all is checked.
 */
import { arrowSchema, batchOfData, byteLength } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { Field } from "../../../models/field.ts";
import type { FileInput } from "../../format.ts";
import { ColumnPages } from "./column_pages.ts";
import { elementOf } from "../elements.ts";
import { chunkRange, columnIndexes, type Footer, type ParquetRowGroup } from "./footer.ts";
import { ColumnChunk, ColumnMetaData, CREATED_BY, FileMetaData } from "../thrift/metadata.ts";
import { type Page, type PageDecoder, pageDecoder, slicePage } from "./page.ts";
import type { ParquetReader } from "./reader.ts";
import { encodeStruct, ThriftError } from "../thrift/thrift.ts";
import { codecOf } from "../codec.ts";

/** Pages of one batch that say to be larger are refused: no row of any system is. */
const MAX_BYTES = 5 * 2 ** 28;

/** Whether a file was written by the writer here, with the columns of its fields. */
export function isNative({ metadata, columns, kept }: Footer): boolean {
  return metadata.text(FileMetaData.createdBy) === CREATED_BY && kept.length > 0 &&
    !columns.some(({ isEncrypted }) => isEncrypted) && columns.length === kept.length &&
    kept.every((field, i) => {
      const { declared } = columns[i]!;
      return declared.length === 1 && equalBytes(encodeStruct(declared[0]!), elementBytes(field));
    });
}

const elementBytes = (field: Field) => encodeStruct(elementOf(field));

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * Opens some columns of such a file.
 *
 * @throws {SchemaError} when a column is missing
 */
export function openNative(
  input: FileInput,
  footer: Footer,
  names: readonly string[] = footer.kept.map(({ name }) => name),
): ParquetReader {
  const columns = columnIndexes(footer, names, input.name);
  const schema = arrowSchema(columns.map((i) => footer.kept[i]!));
  // Rows are those of the pages, whatever the footer says, where no column is wanted, too.
  const needed = columns.length === 0 ? [0] : columns;
  return {
    schema,
    isOwn: true,
    made: footer.made,
    json: new Set(),
    async *batches({ batchRows, batchBytes, recycle = false }) {
      checkRanges(footer);
      const decoders = needed.map((i) => pageDecoder(footer.kept[i]!, recycle));
      const memory: Memory | undefined = recycle ? [] : undefined;
      for (const group of footer.rowGroups) {
        const columnPages = await openColumns(input, footer, group, needed, decoders, memory);
        for (const { rows, pages } of pageSets(columnPages, group.rows)) {
          const whole = batchOfPages(pages, 0, rows);
          const parts = Math.ceil(byteLength(whole) / batchBytes);
          const most = Math.min(batchRows, Math.max(1, Math.floor(rows / parts)));
          if (rows <= most) yield whole;
          else {
            for (let from = 0; from < rows; from += most) {
              yield batchOfPages(pages, from, Math.min(rows, from + most));
            }
          }
        }
      }
    },
  };

  function batchOfPages(pages: readonly Page[], from: number, to: number): Batch {
    const data = columns.map((_, i) => slicePage(pages[i]!, from, to));
    return batchOfData(schema, data, to - from);
  }
}

/**
 * Columns lie behind each other: bytes that several claimed would be read again and again.
 *
 * @throws {ThriftError} otherwise
 */
export function checkRanges({ rowGroups, start: limit }: Footer): void {
  let before = 0;
  for (const { chunks } of rowGroups) {
    for (const chunk of chunks) {
      const [start, end] = chunkRange(chunk, limit);
      if (start < before) throw new ThriftError("its columns overlap");
      before = end;
    }
  }
}

/** What the ranges of the row group before were read into. */
type Memory = Uint8Array[];

/** Reads columns of a row group; those next to each other at once. */
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
    const bytes = await input.read(start, end, memory && roomIn(memory, count++, end - start));
    for (const [from, to] of ranges) {
      const pages = bytes.subarray(from - start, to - start);
      opened.push(pagesOf(footer, group, columns[i]!, pages, decoders[i]!));
      i++;
    }
  }
  return opened;
}

function roomIn(memory: Memory, range: number, size: number): Uint8Array {
  const kept = memory[range];
  // The next row group is about as large, and may be larger.
  return kept !== undefined && kept.length >= size
    ? kept
    : memory[range] = new Uint8Array(Math.ceil(size * 1.125));
}

function pagesOf(
  footer: Footer,
  group: ParquetRowGroup,
  column: number,
  bytes: Uint8Array,
  decode: PageDecoder,
): ColumnPages {
  const field = footer.kept[column]!;
  const metadata = group.chunks[column]!.struct(ColumnChunk.metadata)!;
  const codec = codecOf(metadata.number(ColumnMetaData.codec));
  if (codec === undefined || metadata.number(ColumnMetaData.numValues) !== group.rows) {
    throw new ThriftError(`column "${field.name}" has another codec or number of values`);
  }
  return new ColumnPages(field, codec, bytes, decode);
}

/** The columns' next pages, which begin and end with the same rows. */
function* pageSets(columns: readonly ColumnPages[], total: number) {
  for (let left = total; left > 0;) {
    const infos = columns.map((column) => column.next());
    const { rows } = infos[0]!;
    if (rows > left || infos.some((info) => info.rows !== rows)) {
      throw new ThriftError("its pages do not line up");
    }
    if (infos.reduce((sum, { size }) => sum + size, 0) > MAX_BYTES) {
      throw new ThriftError("its pages are too large");
    }
    yield { rows, pages: columns.map((column, i) => column.read(infos[i]!)) };
    left -= rows;
  }
  if (columns.some((column) => !column.isAtEnd)) {
    throw new ThriftError(`a row group says ${total} rows, it has more`);
  }
}
