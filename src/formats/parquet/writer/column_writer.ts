/**
 * Writes one column of the current row group as consecutive pages.
 * Format: https://parquet.apache.org/docs/file-format/data-pages/
 */
import { crc32 } from "node:zlib";
import { type Data, isNull } from "../../../arrow/mod.ts";
import { ValueError } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import { copyBits, listSetRows, setBits } from "../bits.ts";
import { BoolValues } from "./bool_values.ts";
import { BytesValues } from "./bytes_values.ts";
import type { Codec } from "../codec.ts";
import { writeVarint } from "./delta.ts";
import { physicalLayout } from "../elements.ts";
import { createFixedValues } from "./fixed_values.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  DATA_PAGE_V2,
  DataPageHeaderV2,
  Encoding,
  PageHeader,
  PhysicalType,
  Statistics,
} from "../thrift/metadata.ts";
import { BINARY, encodeStruct, I32, I64, LIST, ThriftStruct } from "../thrift/thrift.ts";
import { PAGE_ROWS, type PageValues } from "./page_values.ts";

/** Smaller pages are not compressed: the gain is not worth the two calls. */
const SMALL_PAGE = 1024;

/** A larger buffer is given up at the end of the row group. */
const MAX_BUFFER_BYTES = 8 * 1024 * 1024;

/** Scratch memory of all columns; holds nothing between calls. */
const rowNumbers = new Int32Array(PAGE_ROWS);

/** A finished column chunk of a row group. */
export interface WrittenChunk {
  /** The pages; valid until the next row is added. */
  readonly bytes: Uint8Array;
  readonly uncompressedSize: number;
  /** Returns the chunk's metadata for the footer, given its offset in the file. */
  metadataAt(offset: number): ThriftStruct;
}

/** Writes one column: the encoder adds rows, ends pages, and ends the chunk. */
export class ColumnWriter {
  readonly #values: PageValues;
  readonly #type: number;
  readonly #valid = new Uint8Array(PAGE_ROWS >> 3);
  #pageRows = 0;
  #pageNulls = 0;
  #store = new Uint8Array(1 << 16);
  #size = 0;
  #uncompressedSize = 0;
  #rows = 0;
  #nulls = 0;
  /** Encodings of the pages. */
  readonly #encodings = new Set<number>();

  constructor(private readonly field: Field, private readonly codec: Codec) {
    this.#type = physicalLayout(field).type;
    this.#values = createValues(field, this.#type);
  }

  /** Returns how many of `rows` rows from `from` fit into the page. */
  room(data: Data, from: number, rows: number): number {
    return this.#values.room(data, from, rows);
  }

  countBytes(data: Data, from: number, rows: number): number {
    return this.#values.countBytes(data, from, rows);
  }

  /**
   * Adds rows that fit into the page.
   *
   * @throws {ValueError} for a NULL in a field that is not nullable
   */
  add(data: Data, from: number, count: number): void {
    if (data.nullCount === 0) {
      if (this.field.nullable) setBits(this.#valid, this.#pageRows, count);
      this.#values.addRun(data, from, count);
    } else {
      if (!this.field.nullable) refuseNull(data, from, count, this.field);
      const start = data.offset + from;
      copyBits(data.nullBitmap, start, this.#valid, this.#pageRows, count);
      const present = listSetRows(data.nullBitmap, start, count, rowNumbers, from);
      if (present === count) this.#values.addRun(data, from, count);
      else this.#values.addRows(data, rowNumbers, present);
      this.#pageNulls += count - present;
    }
    this.#pageRows += count;
  }

  /** Ends the page; returns its size before compression. */
  endPage(): number {
    const levels = this.field.nullable ? this.#encodeLevels() : NO_BYTES;
    const raw = this.#values.take();
    this.#encodings.add(this.#values.encoding);
    const packed = raw.length < SMALL_PAGE ? raw : this.codec.compress(raw);
    const isCompressed = packed.length < raw.length;
    const body = isCompressed ? packed : raw;
    const data = new ThriftStruct()
      .set(DataPageHeaderV2.numValues, I32, this.#pageRows)
      .set(DataPageHeaderV2.numNulls, I32, this.#pageNulls)
      .set(DataPageHeaderV2.numRows, I32, this.#pageRows)
      .set(DataPageHeaderV2.encoding, I32, this.#values.encoding)
      .set(DataPageHeaderV2.definitionSize, I32, levels.length)
      .set(DataPageHeaderV2.repetitionSize, I32, 0)
      .setFlag(DataPageHeaderV2.isCompressed, isCompressed);
    const header = encodeStruct(
      new ThriftStruct()
        .set(PageHeader.type, I32, DATA_PAGE_V2)
        .set(PageHeader.uncompressedSize, I32, levels.length + raw.length)
        .set(PageHeader.compressedSize, I32, levels.length + body.length)
        .set(PageHeader.crc, I32, crc32(body, crc32(levels)) | 0)
        .setStruct(PageHeader.dataV2, data),
    );
    this.#append(header, levels, body);
    const size = levels.length + raw.length;
    this.#uncompressedSize += header.length + size;
    this.#rows += this.#pageRows;
    this.#nulls += this.#pageNulls;
    this.#pageRows = this.#pageNulls = 0;
    return size;
  }

  /** Encodes definition levels: a run of one level, or the bitmap of the rows that are not NULL. */
  #encodeLevels(): Uint8Array {
    const head = new Uint8Array(6);
    if (this.#pageNulls === 0 || this.#pageNulls === this.#pageRows) {
      const at = writeVarint(head, 0, this.#pageRows << 1);
      head[at] = this.#pageNulls === 0 ? 1 : 0;
      return head.subarray(0, at + 1);
    }
    const bytes = (this.#pageRows + 7) >> 3;
    if ((this.#pageRows & 7) !== 0) this.#valid[bytes - 1]! &= (1 << (this.#pageRows & 7)) - 1;
    const at = writeVarint(head, 0, bytes << 1 | 1);
    const levels = new Uint8Array(at + bytes);
    levels.set(head.subarray(0, at));
    levels.set(this.#valid.subarray(0, bytes), at);
    return levels;
  }

  #append(...parts: readonly Uint8Array[]): void {
    const size = parts.reduce((sum, part) => sum + part.length, this.#size);
    if (size > this.#store.length) {
      const grown = new Uint8Array(Math.max(size, Math.min(size, MAX_BUFFER_BYTES) * 2));
      grown.set(this.#store.subarray(0, this.#size));
      this.#store = grown;
    }
    for (const part of parts) {
      this.#store.set(part, this.#size);
      this.#size += part.length;
    }
  }

  /** Ends the column chunk; the caller has ended its last page. */
  endChunk(): WrittenChunk {
    const bytes = this.#store.subarray(0, this.#size);
    const uncompressedSize = this.#uncompressedSize;
    const metadata = this.#metadata();
    this.#encodings.clear();
    if (this.#store.length > MAX_BUFFER_BYTES) this.#store = new Uint8Array(1 << 16);
    this.#size =
      this.#uncompressedSize =
      this.#rows =
      this.#nulls =
        0;
    return {
      bytes,
      uncompressedSize,
      metadataAt: (offset) =>
        new ThriftStruct()
          .set(ColumnChunk.fileOffset, I64, 0)
          .setStruct(
            ColumnChunk.metadata,
            metadata.set(ColumnMetaData.dataPageOffset, I64, offset),
          ),
    };
  }

  #metadata(): ThriftStruct {
    const encodings = [...this.#encodings, Encoding.RLE];
    const path = new TextEncoder().encode(this.field.name);
    return new ThriftStruct()
      .set(ColumnMetaData.type, I32, this.#type)
      .set(ColumnMetaData.encodings, LIST, { element: I32, items: encodings })
      .set(ColumnMetaData.path, LIST, { element: BINARY, items: [path] })
      .set(ColumnMetaData.codec, I32, this.codec.id)
      .set(ColumnMetaData.numValues, I64, this.#rows)
      .set(ColumnMetaData.uncompressedSize, I64, this.#uncompressedSize)
      .set(ColumnMetaData.compressedSize, I64, this.#size)
      .setStruct(ColumnMetaData.statistics, this.#statistics());
  }

  #statistics(): ThriftStruct {
    const statistics = new ThriftStruct().set(Statistics.nullCount, I64, this.#nulls);
    const extremes = this.#values.takeExtremes();
    if (extremes === undefined) return statistics;
    return statistics
      .set(Statistics.max, BINARY, extremes.max)
      .set(Statistics.min, BINARY, extremes.min)
      .setFlag(Statistics.isMaxExact, extremes.isMaxExact)
      .setFlag(Statistics.isMinExact, extremes.isMinExact);
  }
}

const NO_BYTES = new Uint8Array();

function createValues(field: Field, type: number): PageValues {
  if (type === PhysicalType.BOOLEAN) return new BoolValues();
  if (type === PhysicalType.BYTE_ARRAY) return new BytesValues(field.dtype !== "binary");
  return createFixedValues(field);
}

function refuseNull(data: Data, from: number, count: number, { name }: Field): void {
  for (let row = from; row < from + count; row++) {
    if (!isNull(data, row)) continue;
    throw new ValueError("expected a value, the field is not nullable", name, row + 1, null);
  }
}
