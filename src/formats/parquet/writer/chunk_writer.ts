/**
 * Writes the pages of one column, and their metadata.
 * Format: https://parquet.apache.org/docs/file-format/data-pages/
 */
import { crc32 } from "node:zlib";
import type { Field } from "../../../models/field.ts";
import type { Codec } from "../codec.ts";
import { columnPath } from "../elements.ts";
import {
  ColumnChunk,
  ColumnMetaData,
  DATA_PAGE_V2,
  DataPageHeaderV2,
  Encoding,
  PageHeader,
  Statistics,
} from "../thrift/metadata.ts";
import { BINARY, encodeStruct, I32, I64, LIST, ThriftStruct } from "../thrift/thrift.ts";
import type { Extremes } from "./column_statistics.ts";

/** Smaller pages are not compressed: the gain is not worth the two calls. */
const SMALL_PAGE = 1024;

/** A larger buffer is given up at the end of the row group. */
const MAX_BUFFER_BYTES = 8 * 1024 * 1024;

/** A page before compression. */
export interface WrittenPage {
  readonly rows: number;
  /** Values with NULLs; in lists also a place for each empty list. */
  readonly values: number;
  readonly nulls: number;
  readonly encoding: number;
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  /** The encoded values. */
  readonly bytes: Uint8Array;
}

/** A finished column chunk of a row group. */
export interface WrittenChunk {
  /** The pages; valid until the next row is added. */
  readonly bytes: Uint8Array;
  readonly uncompressedSize: number;
  /** Returns the chunk's metadata for the footer, given its offset in the file. */
  metadataAt(offset: number): ThriftStruct;
}

export class ChunkWriter {
  #store = new Uint8Array(1 << 16);
  #size = 0;
  #uncompressedSize = 0;
  #values = 0;
  #nulls = 0;
  /** Encodings of the pages. */
  readonly #encodings = new Set<number>();

  /** @param type the physical type of the values */
  constructor(
    private readonly field: Field,
    private readonly type: number,
    private readonly codec: Codec,
  ) {}

  /** Adds a page; returns its size before compression. */
  addPage(page: WrittenPage): number {
    const { repetition, definition, bytes: raw } = page;
    this.#encodings.add(page.encoding);
    const packed = raw.length < SMALL_PAGE ? raw : this.codec.compress(raw);
    const isCompressed = packed.length < raw.length;
    const body = isCompressed ? packed : raw;
    const data = new ThriftStruct()
      .set(DataPageHeaderV2.numValues, I32, page.values)
      .set(DataPageHeaderV2.numNulls, I32, page.nulls)
      .set(DataPageHeaderV2.numRows, I32, page.rows)
      .set(DataPageHeaderV2.encoding, I32, page.encoding)
      .set(DataPageHeaderV2.definitionSize, I32, definition.length)
      .set(DataPageHeaderV2.repetitionSize, I32, repetition.length)
      .setFlag(DataPageHeaderV2.isCompressed, isCompressed);
    const levels = repetition.length + definition.length;
    const header = encodeStruct(
      new ThriftStruct()
        .set(PageHeader.type, I32, DATA_PAGE_V2)
        .set(PageHeader.uncompressedSize, I32, levels + raw.length)
        .set(PageHeader.compressedSize, I32, levels + body.length)
        .set(PageHeader.crc, I32, crc32(body, crc32(definition, crc32(repetition))) | 0)
        .setStruct(PageHeader.dataV2, data),
    );
    this.#append(header, repetition, definition, body);
    const size = levels + raw.length;
    this.#uncompressedSize += header.length + size;
    this.#values += page.values;
    this.#nulls += page.nulls;
    return size;
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

  /** Ends the column chunk, with the lowest and highest value of its pages if these are known. */
  end(extremes?: Extremes): WrittenChunk {
    const bytes = this.#store.subarray(0, this.#size);
    const uncompressedSize = this.#uncompressedSize;
    const metadata = this.#metadata(extremes);
    this.#encodings.clear();
    if (this.#store.length > MAX_BUFFER_BYTES) this.#store = new Uint8Array(1 << 16);
    this.#size =
      this.#uncompressedSize =
      this.#values =
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

  #metadata(extremes: Extremes | undefined): ThriftStruct {
    const encodings = [...this.#encodings, Encoding.RLE];
    const path = columnPath(this.field).map((name) => new TextEncoder().encode(name));
    return new ThriftStruct()
      .set(ColumnMetaData.type, I32, this.type)
      .set(ColumnMetaData.encodings, LIST, { element: I32, items: encodings })
      .set(ColumnMetaData.path, LIST, { element: BINARY, items: path })
      .set(ColumnMetaData.codec, I32, this.codec.id)
      .set(ColumnMetaData.numValues, I64, this.#values)
      .set(ColumnMetaData.uncompressedSize, I64, this.#uncompressedSize)
      .set(ColumnMetaData.compressedSize, I64, this.#size)
      .setStruct(ColumnMetaData.statistics, this.#statistics(extremes));
  }

  #statistics(extremes: Extremes | undefined): ThriftStruct {
    const statistics = new ThriftStruct().set(Statistics.nullCount, I64, this.#nulls);
    if (extremes === undefined) return statistics;
    return statistics
      .set(Statistics.max, BINARY, extremes.max)
      .set(Statistics.min, BINARY, extremes.min)
      .setFlag(Statistics.isMaxExact, extremes.isMaxExact)
      .setFlag(Statistics.isMinExact, extremes.isMinExact);
  }
}
