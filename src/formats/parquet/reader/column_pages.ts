/** Reads the pages of one column in a row group that dxt wrote. */
import { crc32 } from "node:zlib";
import { messageOf } from "../../../core/errors.ts";
import type { Field } from "../../../models/field.ts";
import { countBits } from "../bits.ts";
import type { Codec } from "../codec.ts";
import { DATA_PAGE_V2, DataPageHeaderV2, PageHeader } from "../thrift/metadata.ts";
import type { Page, PageDecoder } from "./page.ts";
import { decodePrefix, ThriftError, type ThriftStruct } from "../thrift/thrift.ts";
import { PAGE_BYTES, PAGE_ROWS } from "../writer/page_values.ts";

/** Largest page of more than one value: lengths and levels come on top of the bytes. */
const MAX_PAGE = PAGE_BYTES + PAGE_ROWS * 5;
/** Most bytes of a page header. */
const MAX_HEADER = 256;

/** A page as its header describes it. */
export interface PageInfo {
  readonly rows: number;
  readonly nulls: number;
  /** Bytes of the values before compression. */
  readonly size: number;
  readonly encoding: number;
  readonly isCompressed: boolean;
  readonly levels: Uint8Array;
  readonly body: Uint8Array;
}

/** The pages of a column, read in order. */
export class ColumnPages {
  #at = 0;

  constructor(
    private readonly field: Field,
    private readonly codec: Codec,
    private readonly bytes: Uint8Array,
    private readonly decode: PageDecoder,
  ) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length;
  }

  /** @throws {ThriftError} when no valid page follows */
  next(): PageInfo {
    const { bytes } = this;
    const { struct, size } = decodePrefix(bytes.subarray(this.#at, this.#at + MAX_HEADER));
    const start = this.#at + size;
    const end = start + requireCount(struct, PageHeader.compressedSize);
    const data = struct.struct(PageHeader.dataV2);
    if (data === undefined || struct.number(PageHeader.type) !== DATA_PAGE_V2) {
      throw this.#error("a page of another type");
    }
    if (end > bytes.length) throw this.#error("a truncated page");
    const page = bytes.subarray(start, end);
    if ((crc32(page) | 0) !== struct.number(PageHeader.crc)) {
      throw this.#error("a page with a wrong checksum");
    }
    this.#at = end;
    const levels = requireCount(data, DataPageHeaderV2.definitionSize);
    if (levels > page.length || requireCount(data, DataPageHeaderV2.repetitionSize) !== 0) {
      throw this.#error("a page with invalid levels");
    }
    return this.#checkSizes({
      rows: requireCount(data, DataPageHeaderV2.numRows),
      nulls: requireCount(data, DataPageHeaderV2.numNulls),
      size: requireCount(struct, PageHeader.uncompressedSize) - levels,
      encoding: requireCount(data, DataPageHeaderV2.encoding),
      isCompressed: data.flag(DataPageHeaderV2.isCompressed) ?? true,
      levels: page.subarray(0, levels),
      body: page.subarray(levels),
    }, requireCount(data, DataPageHeaderV2.numValues));
  }

  #checkSizes(page: PageInfo, values: number): PageInfo {
    const { rows, nulls, size, isCompressed, body } = page;
    if (rows < 1 || rows > PAGE_ROWS || values !== rows || nulls > rows) {
      throw this.#error("a page with another number of rows");
    }
    if (
      size < 0 || (size > MAX_PAGE && rows - nulls > 1) || (!isCompressed && size !== body.length)
    ) {
      throw this.#error("a page with a wrong size");
    }
    return page;
  }

  /**
   * Reads the values of a page.
   *
   * @throws {ThriftError} when they do not match the header or the column's type
   */
  read(info: PageInfo): Page {
    const { rows, nulls } = info;
    const bits = nulls === 0 || nulls === rows ? undefined : this.#readBits(info);
    if (bits === undefined) this.#checkRun(info);
    const bytes = this.#decompress(info);
    try {
      return this.decode({
        rows,
        nulls,
        bits: nulls === rows ? new Uint8Array((rows + 7) >> 3) : bits,
        bytes,
        encoding: info.encoding,
      });
    } catch (error) {
      throw error instanceof ThriftError ? this.#error(error.message) : error;
    }
  }

  #decompress({ size, body, isCompressed }: PageInfo): Uint8Array {
    if (!isCompressed) return body;
    let bytes: Uint8Array;
    try {
      bytes = this.codec.decompress(body, size);
    } catch (error) {
      throw this.#error(`a page that cannot be decompressed: ${messageOf(error)}`);
    }
    if (bytes.length !== size) throw this.#error("a page that cannot be decompressed");
    return bytes;
  }

  /** Checks levels that are all equal: a run with its length as a varint. */
  #checkRun({ rows, nulls, levels }: PageInfo): void {
    if (!this.field.nullable) {
      if (levels.length > 0 || nulls > 0) throw this.#error("a page with invalid levels");
      return;
    }
    const [run, at] = readVarint(levels);
    if (run !== rows * 2 || levels.length !== at + 1 || levels[at] !== (nulls === 0 ? 1 : 0)) {
      throw this.#error("a page with invalid levels");
    }
  }

  /** Reads levels that differ: a bitmap, least significant bit first, as in Arrow. */
  #readBits({ rows, nulls, levels }: PageInfo): Uint8Array {
    const bytes = (rows + 7) >> 3;
    const [run, at] = readVarint(levels);
    const bits = levels.subarray(at);
    if (
      !this.field.nullable || run !== bytes * 2 + 1 || bits.length !== bytes ||
      countBits(bits, rows) !== rows - nulls
    ) throw this.#error("a page with invalid levels");
    return bits;
  }

  #error(detail: string): ThriftError {
    return new ThriftError(`column "${this.field.name}" has ${detail}`);
  }
}

function requireCount(struct: ThriftStruct, id: number): number {
  const value = struct.number(id);
  if (value === undefined || value < 0) throw new ThriftError("a page's header is malformed");
  return value;
}

function readVarint(bytes: Uint8Array): readonly [value: number, end: number] {
  let value = 0;
  for (let at = 0; at < 4 && at < bytes.length; at++) {
    value += (bytes[at]! & 127) * 128 ** at;
    if (bytes[at]! < 128) return [value, at + 1];
  }
  return [-1, 0];
}
